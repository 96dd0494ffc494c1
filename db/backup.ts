// `node db/backup.ts` writes a dump of the blog's users and posts to standard output. Exits with 0 if it is complete.
import { pipeline } from "node:stream/promises";

import { z } from "zod";

import { databaseVariables } from "./databaseVariables.ts";
import { dump } from "./dump.ts";
import { withDatabase } from "./withDatabase.ts";

await withDatabase("BACKUP_FAILED", z.object(databaseVariables), async (db, log) => {
  await pipeline(async function* () {
    const { rows } = yield* dump(db);
    log.info({ rows }, "backup complete");
  }, process.stdout);
});
