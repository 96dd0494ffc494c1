// npm run destroy: deletes everything that the stack created, data included. Arguments go to `pulumi destroy`.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { deletion, marker } from "../components/cluster/kindCluster.ts";
import { removeByLabel } from "./lib/containers.ts";
import { main } from "./lib/main.ts";
import { projectFolder, settings, stackName } from "./lib/project.ts";
import { pulumi, pulumiEnvironment } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";
import { ensureKind } from "./lib/tools.ts";

await main(async () => {
  const { target, clusterName } = settings();
  if (target === "kind") await ensureKind();
  await prepareStack();
  const args = process.argv.slice(2);
  await pulumi(["destroy", "--yes", "--stack", stackName, ...args]);
  if (args.length > 0) return;
  // A killed run leaves objects that are not in Pulumi's state.
  if (target !== "existing") removeByLabel({ volumes: true });
  if (target === "kind") deleteUnrecordedCluster(clusterName);
});

function deleteUnrecordedCluster(clusterName: string): void {
  const path = join(projectFolder, marker(stackName, clusterName));
  if (!existsSync(path)) return;
  console.error(`Deleting the cluster ${clusterName} of an interrupted run.`);
  const { command, environment } = deletion(stackName, clusterName, readFileSync(path, "utf8"));
  const env = { ...pulumiEnvironment(), ...environment };
  execFileSync("sh", ["-c", command], { cwd: projectFolder, env, stdio: "inherit" });
}
