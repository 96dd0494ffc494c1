// npm run deploy: runs the blog in plain containers. `npm run deploy -- --help` lists the flags.
import { text } from "node:stream/consumers";

import { foreignNames, removeByLabel } from "./lib/containers.ts";
import { checkRootPassword, parseDeployArguments, usage } from "./lib/deployArguments.ts";
import { main } from "./lib/main.ts";
import { check } from "./lib/preflight.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
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

  // The flags override the settings of this run only. Pulumi.containers.yaml stays unchanged.
  const file = writeStackFile(values);
  const config = settings(file);
  // Every check comes before --prune, so a refused run deletes nothing.
  const foreign = foreignNames(config.network);
  if (foreign.length > 0) {
    throw new Error(
      `${foreign.join(", ")} already exists and does not belong to this stack. Remove it, or use another --network.`,
    );
  }
  await check(config);
  await prepareStack();
  const stack = ["--stack", stackName, "--config-file", file];
  if (prune) {
    const keep = volumes ? [] : ["--exclude", "**docker:index/volume:Volume::*"];
    await pulumi(["destroy", "--yes", "--skip-preview", ...stack, ...keep]);
    removeByLabel({ volumes });
  }
  await pulumi(["config", "set", "--secret", "mysqlRootPassword", ...stack], { input: rootPassword });
  await pulumi(["up", "--yes", "--skip-preview", ...stack]);
  const { url } = await stackOutputs();
  console.log(summary(config, String(url), "PULUMI_STACK=containers "));
});

/** MySQL's root password: the flag, MYSQL_ROOT_PASSWORD, or the first line of standard input. */
async function readRootPassword(flag: string | undefined): Promise<string | undefined> {
  const { MYSQL_ROOT_PASSWORD } = process.env;
  // Child processes would inherit the variable.
  delete process.env.MYSQL_ROOT_PASSWORD;
  if (flag !== undefined) {
    console.error("--password is visible in the process list. MYSQL_ROOT_PASSWORD or standard input hide it.");
    return flag;
  }
  if (MYSQL_ROOT_PASSWORD !== undefined) return MYSQL_ROOT_PASSWORD;
  if (process.stdin.isTTY) return undefined;
  return (await text(process.stdin)).split(/\r?\n/)[0];
}
