// npm run doctor: checks whether this machine can run the stack, and names a remedy for each problem.
import { main } from "./lib/main.ts";
import { check } from "./lib/preflight.ts";
import { settings } from "./lib/project.ts";

await main(() => check(settings(), { quiet: false }));
