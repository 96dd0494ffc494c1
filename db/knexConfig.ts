import knex, { type Knex } from "knex";
import type { Logger } from "pino";

import type { DatabaseVariables } from "./databaseVariables.ts";
import { migrationSource } from "./migrations/index.ts";
import { prepareConnection } from "./prepareConnection.ts";

const migrations: Knex.MigratorConfig = {
  migrationSource,
  // MySQL commits each DDL statement on its own, so a transaction would not help. Every migration can be run again.
  disableTransactions: true,
  // After a rollback of the image, the schema is newer than the code.
  disableMigrationsListValidation: true,
};

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
    migrations,
  };
}

/**
 * The pools of a pod together have 6 connections. A rollout of 20 pods has up to 25 pods, which stay below MySQL's 151
 * connections.
 *
 * MySQL ends a lock wait after one second, before `limit` closes the connection.
 */
function servicePool(max: number, limit = 1500): Knex.PoolConfig {
  const settings = ["innodb_lock_wait_timeout = 1", "lock_wait_timeout = 1"];
  return { min: 0, max, afterCreate: prepareConnection(settings, limit) };
}

/**
 * Knex settings of the service.
 *
 * @param timeout milliseconds to get a connection and for each query, even if MySQL does not answer. Defaults to 1500.
 */
export function serviceKnexConfig(config: DatabaseVariables, log: Logger, timeout = 1500): Knex.Config {
  return {
    ...baseConfig(config, log, timeout),
    // Without a version, Knex queries it.
    version: "8.4",
    pool: servicePool(4, timeout),
    acquireConnectionTimeout: timeout,
  };
}

/** The service's connections to MySQL. */
export interface Pools {
  db: Knex;
  /** For creating posts, also while another post is locked. */
  inserts: Knex;
  /** For changing and deleting posts. A write keeps its connection during a lock wait. */
  changes: Knex;
}

/**
 * A write can wait for a connection and then for a lock, longer than the request's deadline of 1.5 s. The reader then
 * gets 503, and the write still ends by itself. Sending the form again is harmless. Creating a post has a submission
 * key. Updating and deleting are idempotent.
 */
export function createPools(config: DatabaseVariables, log: Logger): Pools {
  const settings = serviceKnexConfig(config, log);
  // On a busy machine, a new pod needs over 0.5 s to connect to MySQL.
  const writeSettings = { ...settings, pool: servicePool(1), acquireConnectionTimeout: 1000 };
  return { db: knex(settings), inserts: knex(writeSettings), changes: knex(writeSettings) };
}

export async function closePools({ db, inserts, changes }: Pools): Promise<void> {
  await Promise.all([db, inserts, changes].map((pool) => pool.destroy()));
}

/**
 * Knex settings of the migration, the backup and the restore. A query has no time limit. The only connection also holds
 * the migration's lock.
 */
export function migrationKnexConfig(config: DatabaseVariables, log: Logger): Knex.Config {
  return {
    ...baseConfig(config, log, 5000),
    pool: { min: 0, max: 1, idleTimeoutMillis: 24 * 60 * 60 * 1000, afterCreate: prepareConnection() },
    acquireConnectionTimeout: 10_000,
  };
}
