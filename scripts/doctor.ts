// npm run doctor: says whether this machine can run the stack, and what to do if it can't.
import { check } from "./lib/check.ts";
import { main } from "./lib/main.ts";

await main(() => check({ quiet: false }));
