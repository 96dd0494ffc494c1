// npm run up: creates or updates the stack, and prints its URL. Arguments go to `pulumi up`.
import { blogUrl } from "../settings.ts";
import { refreshFlag } from "./lib/checks/cluster.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";
import { check } from "./lib/preflight.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { readState } from "./lib/state.ts";
import { summary } from "./lib/summary.ts";
import { takeFlag } from "./lib/takeFlag.ts";
import { ensureKind } from "./lib/tools.ts";
import { waitForAnswer } from "./lib/waitForAnswer.ts";

await main(async () => {
  refuseSwallowedFlags("replace-cluster");
  const config = settings();
  const args = process.argv.slice(2);
  await check(config, { mayReplace: takeFlag(args, "--replace-cluster") });
  if (config.target === "kind") await ensureKind();
  await prepareStack();
  const refresh = refreshFlag(config, readState());
  // A preview only helps if Pulumi asks for confirmation, which --yes skips.
  await pulumi(["up", "--yes", "--skip-preview", ...refresh, "--stack", stackName, ...args]);
  const url = config.target === "existing" ? String((await stackOutputs()).url) : blogUrl(config);
  if (config.target === "kind") await waitForAnswer(url);
  console.log(summary(config, url));
});
