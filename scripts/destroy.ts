// npm run destroy: asks, then deletes everything that the stack created, data included. `--yes` does not ask.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";

import { foreignCluster } from "./lib/checks/cluster.ts";
import { conclude } from "./lib/checks/finding.ts";
import { findCluster, incompleteFile, owner } from "./lib/kindCluster.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";
import { projectFolder, settings, stackName } from "./lib/project.ts";
import { pulumi, pulumiEnvironment } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";
import { takeFlag } from "./lib/takeFlag.ts";

await main(async () => {
  const config = settings();
  const args = process.argv.slice(2);
  if (config.target === "kind") {
    const found = findCluster(config.clusterName);
    if (found.isOld) conclude(foreignCluster(config.clusterName, found, undefined));
  }
  if (!takeFlag(args, "--yes")) await confirm();
  await prepareStack();
  await pulumi(["destroy", "--yes", "--stack", stackName, ...args]);
  if (config.target === "kind" && args.length === 0) deleteUnrecorded(config.clusterName);
});

/** Asks once. @throws Error without a terminal, or without consent */
async function confirm(): Promise<void> {
  const what = `everything that the stack ${stackName} created, with all users and posts`;
  if (!process.stdin.isTTY) {
    refuseSwallowedFlags("yes");
    throw new Error(`This deletes ${what}. If you want that: npm run destroy -- --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `This deletes ${what}. Type ${stackName} to go on: `;
  // Ctrl-C and Ctrl-D reject the question.
  const answer = await terminal.question(question).catch(() => "");
  terminal.close();
  if (answer.trim() !== stackName) throw new Error("Nothing was deleted.");
}

/** Deletes what a killed run left and the state does not know: an incomplete cluster, and a registry. */
function deleteUnrecorded(clusterName: string): void {
  const run = (script: string, environment: Record<string, string>) => {
    const path = join(projectFolder, "components", "kind", "scripts", script);
    const env = { ...pulumiEnvironment(), OWNER: owner, CLUSTER: clusterName, ...environment };
    execFileSync("sh", [path], { env, stdio: "inherit" });
  };
  const ifOwn = (token = "") => (token.startsWith(`${owner}/`) ? token : "");
  const { isIncomplete, token } = findCluster(clusterName);
  if (isIncomplete) {
    console.error(`Deleting the cluster ${clusterName} of an interrupted run.`);
    run("deleteCluster.sh", { TOKEN: ifOwn(token) });
    rmSync(incompleteFile(clusterName), { force: true });
  }
  const { containers, registryToken } = findCluster(clusterName);
  // If a cluster is left, it is another checkout's, and needs its registry.
  const ownRegistry = containers.length === 1 ? ifOwn(registryToken) : "";
  // The script deletes kind's network too. No registry has the token "none".
  if (isIncomplete || ownRegistry) run("deleteRegistry.sh", { TOKEN: ownRegistry || "none" });
}
