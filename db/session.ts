import knex from "knex";
import type { Knex } from "knex";
import pino from "pino";
import type { Logger } from "pino";
import type { z } from "zod";
import { migrationKnexConfig } from "./config.ts";
import type { DatabaseConfig } from "./config.ts";
import { EnvironmentError, parseEnvironment } from "./environment.ts";
import { createLogger } from "./log.ts";

/**
 * Runs a command that uses the database. Its log goes to standard error, as does what is wrong with the environment; either
 * error sets the exit code to 1.
 *
 * @param code of the log line when the command fails
 * @param schema of the environment, `databaseVariables` or more
 */
export async function withDatabase<Config extends DatabaseConfig>(
  code: string,
  schema: z.ZodObject & z.ZodType<Config>,
  command: (db: Knex, log: Logger, config: Config) => Promise<void>,
): Promise<void> {
  try {
    const config = parseEnvironment(schema);
    const log = createLogger(config.LOG_LEVEL, pino.destination(2));
    const db = knex(migrationKnexConfig(config, log));
    try {
      await command(db, log, config);
    } catch (err) {
      log.fatal({ err, code }, (err as Error).message);
      process.exitCode = 1;
    } finally {
      await db.destroy();
    }
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
