// Writes a dump of the blog's users and posts to standard output: `node db/backup.ts`. Exits with 0 when it is whole.
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { databaseVariables } from "./config.ts";
import { dump } from "./dump.ts";
import { withDatabase } from "./session.ts";

await withDatabase("BACKUP_FAILED", z.object(databaseVariables), async (db, log) => {
  await pipeline(async function* () {
    const { rows } = yield* dump(db);
    log.info({ rows }, "backup complete");
  }, process.stdout);
});
