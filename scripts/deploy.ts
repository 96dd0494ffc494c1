// npm run deploy: the blog in plain containers. `npm run deploy` alone says how.
import { check } from "./lib/check.ts";
import { foreignNames, removeByLabel } from "./lib/containers.ts";
import { checkRootPassword, parseDeployArguments, usage } from "./lib/deployArguments.ts";
import { main } from "./lib/main.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { readRootPassword } from "./lib/rootPassword.ts";
import { prepareStack, stackOutputs, writeStackFile } from "./lib/stack.ts";
import { summary } from "./lib/summary.ts";

await main(async () => {
  if (process.argv.includes("--help")) {
    console.log(usage);
    return;
  }
  const { prune, volumes, password, values } = parseDeployArguments(process.argv.slice(2));
  const rootPassword = await readRootPassword(password);
  checkRootPassword(rootPassword);

  // The flags are the settings: Pulumi.containers.yaml stays as it is.
  const file = writeStackFile(values);
  const config = settings(file);
  // All that can be wrong is looked for before anything goes.
  const foreign = foreignNames(config.network);
  if (foreign.length > 0) {
    throw new Error(
      `Not made by this, and in the way: ${foreign.join(", ")}. Remove them, or choose another --network NAME`,
    );
  }
  await check({ quiet: true }, config);
  await prepareStack();
  const stack = ["--stack", stackName];
  const configFile = ["--config-file", file];
  if (prune) {
    const keep = volumes ? [] : ["--exclude", "**docker:index/volume:Volume::*"];
    await pulumi(["destroy", "--yes", "--skip-preview", ...stack, ...configFile, ...keep]);
    removeByLabel({ volumes });
  }
  await pulumi(["config", "set", "--secret", "mysqlRootPassword", ...stack, ...configFile], { input: rootPassword });
  await pulumi(["up", "--yes", "--skip-preview", ...stack, ...configFile]);
  const { url } = await stackOutputs();
  console.log(summary(config, String(url), "PULUMI_STACK=containers "));
});
