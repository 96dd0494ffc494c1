// npm run preview: says what `npm run up` would do, and does nothing. Arguments go to `pulumi preview`.
import { main } from "./lib/main.ts";
import { stackName } from "./lib/project.ts";
import { prepareStack, pulumi } from "./lib/pulumi.ts";
import { ensureKind } from "./lib/tools.ts";

await main(async () => {
  await ensureKind();
  await prepareStack();
  await pulumi(["preview", "--stack", stackName, ...process.argv.slice(2)]);
});
