// Brings the database's schema up to date: `node db/migrate.ts`. Exits with 0 when it is current, else with 1.
import { z } from "zod";
import { databaseVariables } from "./config.ts";
import { migrate, waitForDatabase } from "./migrator.ts";
import { withDatabase } from "./session.ts";

const schema = z.object({
  ...databaseVariables,
  MYSQL_WAIT: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .default(120)
    .describe("how many seconds to wait for MySQL, a whole number"),
});

await withDatabase("MIGRATION_FAILED", schema, async (db, log, { MYSQL_WAIT: seconds }) => {
  await waitForDatabase(db, log, seconds * 1000);
  await migrate(db, log);
});
