// npm run rotate:session-keys: signs session cookies with a new key from now on, and logs nobody out.
import { randomBytes } from "node:crypto";

import { check } from "./lib/check.ts";
import { main } from "./lib/main.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { ensureKind } from "./lib/tools.ts";

/** Keys that are kept, the new one included. A cookie is valid for a week, or until its key is the fourth. */
const kept = 3;

await main(async () => {
  const config = settings();
  await check({ quiet: true });
  if (config.target === "kind") await ensureKind();
  await prepareStack();
  const present = (await presentKeys()).split(",");
  const next = randomBytes(32).toString("hex");
  // Twice, since pods of two rollouts serve side by side: those of the first know the new key before any signs with it.
  await use([...present, next]);
  await use([next, ...present].slice(0, kept));
});

/** The keys of an interrupted run are in the settings and not yet in the outputs. */
async function presentKeys(): Promise<string> {
  const stack = ["--stack", stackName];
  const values = JSON.parse(await pulumi(["config", "--json", "--show-secrets", ...stack], { capture: true })) as {
    "koa-blog:sessionKeys"?: { value: string };
  };
  const configured = values["koa-blog:sessionKeys"]?.value;
  if (configured) return configured;
  const { credentials } = (await stackOutputs()) as { credentials?: { sessionKeys: string } };
  if (!credentials) throw new Error('There are no session keys yet: run "npm run up" first');
  return credentials.sessionKeys;
}

async function use(keys: string[]): Promise<void> {
  await pulumi(["config", "set", "--secret", "sessionKeys", "--stack", stackName], { input: keys.join(",") });
  await pulumi(["up", "--yes", "--skip-preview", "--stack", stackName]);
}
