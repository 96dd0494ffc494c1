// npm run preview: shows what `npm run up` would change. Arguments go to `pulumi preview`.
import { main } from "./lib/main.ts";
import { conclude } from "./lib/preflight.ts";
import { settings, stackName } from "./lib/project.ts";
import { pulumi } from "./lib/pulumi.ts";
import { prepareStack } from "./lib/stack.ts";
import { checkVolumes } from "./lib/volumes.ts";

await main(async () => {
  conclude(await checkVolumes(settings()));
  await prepareStack();
  await pulumi(["preview", "--stack", stackName, ...process.argv.slice(2)]);
});
