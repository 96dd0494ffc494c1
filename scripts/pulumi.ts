// npm run pulumi -- COMMAND: runs Pulumi with the state and the passphrase of this project.
import { main } from "./lib/main.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";

await main(async () => {
  await prepareStack();
  await pulumi(process.argv.slice(2));
});
