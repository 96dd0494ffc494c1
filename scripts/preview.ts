// npm run preview: shows what `npm run up` would change. Arguments go to `pulumi preview`.
import { findLoss, refreshFlag } from "./lib/checks/cluster.ts";
import { report } from "./lib/checks/finding.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";
import { readState } from "./lib/state.ts";

await main(async () => {
  refuseSwallowedFlags("expect-no-changes");
  const config = settings();
  await prepareStack();
  const state = readState();
  for (const loss of findLoss(config, state)) console.error(report([loss]));
  await pulumi(["preview", ...refreshFlag(config, state), "--stack", stackName, ...process.argv.slice(2)]);
});
