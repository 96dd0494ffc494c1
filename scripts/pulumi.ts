// npm run pulumi -- COMMAND: runs Pulumi with the state and the passphrase of this project.
import { answers, checkContainers } from "./lib/checks/cluster.ts";
import { conclude } from "./lib/checks/finding.ts";
import { findCluster } from "./lib/kindCluster.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";
import { readState } from "./lib/state.ts";

await main(async () => {
  // Without --secret, Pulumi would store a password as plain text.
  refuseSwallowedFlags("secret", "plaintext", "show-secrets", "expect-no-changes");
  const args = process.argv.slice(2);
  await prepareStack();
  const { kind } = readState();
  // On stopped nodes, a refresh would drop all objects of the cluster from the state.
  const isRefresh = args.some((arg) => /^(refresh|-r|--refresh(=.*)?)$/.test(arg));
  if (isRefresh && kind) {
    const found = findCluster(kind.name);
    conclude(checkContainers(found));
    if (found.token !== undefined && !answers(`${kind.name}-control-plane`)) {
      throw new Error(`The kind cluster ${kind.name} does not answer. "npm run status" shows its nodes.`);
    }
  }
  await pulumi(args);
});
