// npm run up: creates or updates the stack, and prints its URL. Arguments go to `pulumi up`.
import { setTimeout as sleep } from "node:timers/promises";

import { blogUrl } from "../components/kubernetes/blogUrl.ts";
import { fetchWithin } from "./lib/fetchWithin.ts";
import { main } from "./lib/main.ts";
import { check } from "./lib/preflight.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { summary } from "./lib/summary.ts";
import { ensureKind } from "./lib/tools.ts";

await main(async () => {
  const config = settings();
  await check(config);
  if (config.target === "kind") await ensureKind();
  await prepareStack();
  // A preview only helps if Pulumi asks for confirmation, which --yes skips.
  await pulumi(["up", "--yes", "--skip-preview", "--stack", stackName, ...process.argv.slice(2)]);
  const url = config.target === "existing" ? String((await stackOutputs()).url) : blogUrl(config);
  if (config.target === "kind") await waitForAnswer(url);
  console.log(summary(config, url));
});

/** The nodes forward a Service's port and apply NetworkPolicies some time after Kubernetes has called a pod ready. */
async function waitForAnswer(url: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const response = await fetchWithin(2000, url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(250);
  }
  console.error(`${url} does not answer within 30 s. "npm run status" shows the pods.`);
}
