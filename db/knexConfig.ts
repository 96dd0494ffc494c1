import type { Knex } from "knex";
import type { Logger } from "pino";

import { migrationSource } from "./migrations/index.ts";
import { prepareConnection } from "./prepareConnection.ts";
import type { DatabaseVariables } from "./variables.ts";

function baseConfig(config: DatabaseVariables, log: Logger, connectTimeout: number): Knex.Config {
  return {
    client: "mysql2",
    connection: {
      host: config.MYSQL_HOST,
      port: config.MYSQL_PORT,
      database: config.MYSQL_DATABASE,
      user: config.MYSQL_USER,
      password: config.MYSQL_PASSWORD,
      charset: "utf8mb4",
      ...(config.MYSQL_CA !== undefined && { ssl: { ca: config.MYSQL_CA, verifyIdentity: true } }),
      // A Date has only milliseconds and would be shown in the local time zone. MySQL's text is exact and in UTC.
      dateStrings: true,
      connectTimeout,
    },
    // Error messages would otherwise contain the SQL's values, such as password hashes.
    compileSqlOnError: false,
    log: {
      error: log.error.bind(log),
      // Knex warns of each failed connection and also throws the error. The caller logs the error.
      warn: log.debug.bind(log),
      deprecate: log.warn.bind(log),
      debug: log.debug.bind(log),
    },
  };
}

/**
 * Knex settings of the service. A pod has 6 connections. A rollout of 20 pods has up to 25 pods, which stay below
 * MySQL's 151 connections.
 *
 * @param timeout milliseconds to get a connection and for each query, even if MySQL does not answer. Defaults to 1500,
 * so that readers get an answer within 2 s. MySQL ends a lock wait after one second.
 */
export function serviceKnexConfig(config: DatabaseVariables, log: Logger, timeout = 1500): Knex.Config {
  const lockWaits = ["innodb_lock_wait_timeout = 1", "lock_wait_timeout = 1"];
  return {
    ...baseConfig(config, log, timeout),
    // Without a version, Knex queries it.
    version: "8.4",
    pool: { min: 0, max: 6, afterCreate: prepareConnection(lockWaits, timeout) },
    acquireConnectionTimeout: timeout,
  };
}

/** Knex settings of the migration. A query has no time limit. The only connection also holds the migration's lock. */
export function migrationKnexConfig(config: DatabaseVariables, log: Logger): Knex.Config {
  return {
    ...baseConfig(config, log, 5000),
    pool: { min: 0, max: 1, idleTimeoutMillis: 24 * 60 * 60 * 1000, afterCreate: prepareConnection() },
    acquireConnectionTimeout: 10_000,
    migrations: {
      migrationSource,
      // MySQL commits each DDL statement on its own, so a transaction would not help. Every migration can be run again.
      disableTransactions: true,
      // After a rollback of the image, the schema is newer than the code.
      disableMigrationsListValidation: true,
    },
  };
}
