// `node db/restore.ts [--replace]` replaces the blog's users and posts with a dump from standard input. If the exit
// code is not 0, nothing has changed.
import { z } from "zod";

import { databaseVariables } from "./databaseVariables.ts";
import { restore } from "./dump.ts";
import { withDatabase } from "./withDatabase.ts";

await withDatabase("RESTORE_FAILED", z.object(databaseVariables), async (db, log) => {
  const { rows } = await restore(db, process.stdin, { replace: process.argv.includes("--replace") });
  log.info({ rows }, "restore complete");
});
