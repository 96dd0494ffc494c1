import knex, { type Knex } from "knex";
import pino, { type Logger } from "pino";
import type { z } from "zod";

import type { DatabaseVariables } from "./databaseVariables.ts";
import { migrationKnexConfig } from "./knexConfig.ts";
import { createLogger, errorFields } from "./log.ts";
import { readEnvironment } from "./parseEnvironment.ts";

/**
 * Runs a command that uses the database. Its log goes to standard error. If the command fails, the exit code is 1.
 *
 * @param code error code in the log if the command fails
 * @param schema of the environment, `databaseVariables` or more
 */
export async function withDatabase<Config extends DatabaseVariables>(
  code: string,
  schema: z.ZodObject & z.ZodType<Config>,
  command: (db: Knex, log: Logger, config: Config) => Promise<void>,
): Promise<void> {
  const config = readEnvironment(schema);
  const log = createLogger(config.LOG_LEVEL, pino.destination(2));
  const db = knex(migrationKnexConfig(config, log));
  try {
    await command(db, log, config);
  } catch (error) {
    log.fatal({ error: errorFields(error, code) }, (error as Error).message);
    process.exitCode = 1;
  } finally {
    await db.destroy();
  }
}
