// npm run rotate:session-keys: signs session cookies with a new key and logs no user out.
import { randomBytes } from "node:crypto";

import { main } from "./lib/main.ts";
import { check } from "./lib/preflight.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { ensureKind } from "./lib/tools.ts";

/** Number of valid keys, the new one included. A session ends when its key becomes the fourth. */
const kept = 3;

await main(async () => {
  const config = settings();
  await check(config);
  if (config.target === "kind") await ensureKind();
  await prepareStack();
  const present = (await presentKeys()).split(",");
  const next = randomBytes(32).toString("hex");
  // Old and new pods serve side by side. The first rollout lets all pods accept the key, the second one signs with it.
  await use([...present, next]);
  await use([next, ...present].slice(0, kept));
});

/** The keys in the settings, or else in the outputs. An interrupted rotation changed only the settings. */
async function presentKeys(): Promise<string> {
  const values = JSON.parse(
    await pulumi(["config", "--json", "--show-secrets", "--stack", stackName], { capture: true }),
  ) as { "koa-blog:sessionKeys"?: { value: string } };
  const configured = values["koa-blog:sessionKeys"]?.value;
  if (configured) return configured;
  const { credentials } = (await stackOutputs()) as { credentials?: { sessionKeys: string } };
  if (!credentials) throw new Error('The stack has no session keys yet. Run "npm run up" first.');
  return credentials.sessionKeys;
}

async function use(keys: string[]): Promise<void> {
  await pulumi(["config", "set", "--secret", "sessionKeys", "--stack", stackName], { input: keys.join(",") });
  await pulumi(["up", "--yes", "--skip-preview", "--stack", stackName]);
}
