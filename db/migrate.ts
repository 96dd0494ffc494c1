// `node db/migrate.ts` applies missing migrations. Exits with 0 if the schema is current, else with 1.
import { z } from "zod";

import { databaseVariables, numberVariable } from "./databaseVariables.ts";
import { migrate, waitForDatabase } from "./migrator.ts";
import { withDatabase } from "./withDatabase.ts";

const schema = z.object({
  ...databaseVariables,
  MYSQL_WAIT: numberVariable(5, 120, "the seconds to wait for MySQL, a whole number"),
});

await withDatabase("MIGRATION_FAILED", schema, async (db, log, { MYSQL_WAIT: seconds }) => {
  await waitForDatabase(db, log, seconds * 1000);
  await migrate(db, log);
});
