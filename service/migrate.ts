// `node service/migrate.ts` applies missing migrations. Exits with 0 if the schema is current, else with 1.
import knex from "knex";

import { migrationKnexConfig } from "../db/knexConfig.ts";
import { migrate, waitForDatabase } from "../db/migrator.ts";
import { migrationVariables, readEnvironment } from "./environment.ts";
import { createLogger, errorFields } from "./log.ts";

const environment = readEnvironment(migrationVariables);
const log = createLogger(environment.LOG_LEVEL);
const db = knex(migrationKnexConfig(environment, log));
try {
  await waitForDatabase(db, log, environment.MYSQL_WAIT * 1000);
  await migrate(db, log);
} catch (error) {
  log.fatal({ error: errorFields(error, "MIGRATION_FAILED") }, (error as Error).message);
  process.exitCode = 1;
} finally {
  await db.destroy();
}
