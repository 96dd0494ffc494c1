// npm run preview: says what `npm run up` would do, and does nothing. Arguments go to `pulumi preview`.
import { main } from "./lib/main.ts";
import { stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";

await main(async () => {
  await prepareStack();
  await pulumi(["preview", "--stack", stackName, ...process.argv.slice(2)]);
});
