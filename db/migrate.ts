// Brings the database's schema up to date: `node db/migrate.ts`. Exits with 0 when it is current, else with 1.
import knex from "knex";
import { z } from "zod";
import { databaseVariables, migrationKnexConfig } from "./config.ts";
import { EnvironmentError, parseEnvironment } from "./environment.ts";
import { createLogger } from "./log.ts";
import { migrate, waitForDatabase } from "./migrator.ts";

const variables = z.object({
  ...databaseVariables,
  MYSQL_WAIT: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .default(120)
    .describe("how many seconds to wait for MySQL, a whole number"),
});

try {
  const config = parseEnvironment(variables);
  const log = createLogger(config.LOG_LEVEL);
  const db = knex(migrationKnexConfig(config, log));
  try {
    await waitForDatabase(db, log, config.MYSQL_WAIT * 1000);
    await migrate(db, log);
  } catch (err) {
    log.fatal({ err, code: "MIGRATION_FAILED" }, "the schema could not be brought up to date");
    process.exitCode = 1;
  } finally {
    await db.destroy();
  }
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
