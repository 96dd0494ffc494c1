// Puts a dump from standard input in the place of the blog's users and posts: `node db/restore.ts [--replace]`. Exits with 0
// when all of it is there, else nothing has changed.
import { z } from "zod";
import { databaseVariables } from "./config.ts";
import { restore } from "./dump.ts";
import { withDatabase } from "./session.ts";

await withDatabase("RESTORE_FAILED", z.object(databaseVariables), async (db, log) => {
  const { rows } = await restore(db, process.stdin, { replace: process.argv.includes("--replace") });
  log.info({ rows }, "restore complete");
});
