// npm run pulumi -- COMMAND: Pulumi itself, with this project's state and passphrase.
import { main } from "./lib/main.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";

await main(async () => {
  await prepareStack();
  await pulumi(process.argv.slice(2));
});
