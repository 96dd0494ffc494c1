// npm run up: brings the whole stack up, or up to date, and says where it is. Arguments go to `pulumi up`.
import { check } from "./lib/check.ts";
import { main } from "./lib/main.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack, stackOutputs } from "./lib/stack.ts";
import { summary } from "./lib/summary.ts";
import { ensureKind } from "./lib/tools.ts";

await main(async () => {
  const config = settings();
  await check({ quiet: true });
  if (config.target === "kind") await ensureKind();
  await prepareStack();
  // Nobody is asked whether to go on, so nothing needs to be planned twice.
  await pulumi(["up", "--yes", "--skip-preview", "--stack", stackName, ...process.argv.slice(2)]);
  const { url } = await stackOutputs();
  console.log(summary(config, String(url)));
});
