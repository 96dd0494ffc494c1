import knex from "knex";
import type { Knex } from "knex";
import pino from "pino";
import type { Logger } from "pino";
import { z } from "zod";
import { databaseVariables, migrationKnexConfig } from "./config.ts";
import { EnvironmentError, parseEnvironment } from "./environment.ts";
import { createLogger } from "./log.ts";

/** Runs a command that uses the database; its log goes to standard error, an error to one line of it and the exit code. */
export async function withDatabase(code: string, command: (db: Knex, log: Logger) => Promise<void>): Promise<void> {
  try {
    const config = parseEnvironment(z.object(databaseVariables));
    const log = createLogger(config.LOG_LEVEL, pino.destination(2));
    const db = knex(migrationKnexConfig(config, log));
    try {
      await command(db, log);
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
