// npm run destroy: removes the cluster that the stack made, or what it put elsewhere, data included. Arguments go to
// `pulumi destroy`.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { deleteCluster, marker } from "../components/kindCommands.ts";
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
  if (target === "containers") removeByLabel({ volumes: true });
  // A run that was killed while it made the cluster left nodes that no state knows of.
  if (target === "kind" && existsSync(join(projectFolder, marker(stackName, clusterName)))) {
    console.error("Deleting the cluster that an interrupted run began to make.");
    execFileSync("sh", ["-c", deleteCluster(stackName, clusterName)], {
      cwd: projectFolder,
      env: pulumiEnvironment(),
      stdio: "inherit",
    });
  }
});
