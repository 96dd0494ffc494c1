import type { Knex } from "knex";
import type { Logger } from "pino";
import { z } from "zod";
import { boundedMysqlClient } from "./client.ts";
import { migrationSource } from "./migrations/index.ts";

/** A TCP port as an environment variable; `minimum` 0 lets the operating system choose a free one. */
export function portVariable(minimum: 0 | 1, defaultPort: number) {
  return z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .pipe(z.int().min(minimum).max(65_535))
    .default(defaultPort)
    .describe(`a whole number from ${String(minimum)} to 65535`);
}

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** The variables that the service and the migration have in common. */
export const databaseVariables = {
  MYSQL_HOST: z.string().describe("MySQL's host name or address, such as 127.0.0.1"),
  MYSQL_PORT: portVariable(1, 3306),
  MYSQL_DATABASE: z.string().describe("the name of the blog's database"),
  MYSQL_USER: z.string().describe("the MySQL user that owns the database"),
  MYSQL_PASSWORD: z.string().describe("that user's password"),
  MYSQL_CA: z
    .string()
    .startsWith("-----BEGIN CERTIFICATE-----")
    .optional()
    .describe("certificates in PEM format, of which one has signed MySQL's: connections are encrypted then"),
  LOG_LEVEL: z
    .enum(logLevels)
    .default("info")
    .describe(`one of ${logLevels.join(", ")}`),
};

export type DatabaseConfig = z.output<z.ZodObject<typeof databaseVariables>>;

const migrations: Knex.MigratorConfig = {
  migrationSource,
  // MySQL commits each DDL statement on its own: a transaction would only pretend. Every migration can be run again.
  disableTransactions: true,
  // A schema newer than the code (after a roll-back of the image) is no reason to fail.
  disableMigrationsListValidation: true,
};

/** TLS with a server that the authority has certified for the name by which it is reached. Knex's types lack the latter. */
function verified(ca: string): { ca: string } {
  const ssl = { ca, verifyIdentity: true };
  return ssl;
}

function connection(config: DatabaseConfig): Knex.MySql2ConnectionConfig {
  return {
    host: config.MYSQL_HOST,
    port: config.MYSQL_PORT,
    database: config.MYSQL_DATABASE,
    user: config.MYSQL_USER,
    password: config.MYSQL_PASSWORD,
    charset: "utf8mb4",
    // Without it, MySQL 8's own handshake still keeps the password from who listens, but nothing else.
    ...(config.MYSQL_CA !== undefined && { ssl: verified(config.MYSQL_CA) }),
    // Times stay the text that MySQL holds, in UTC: nothing is lost in a Date's milliseconds or in a time zone.
    dateStrings: true,
  };
}

function knexLog(log: Logger): NonNullable<Knex.Config["log"]> {
  return {
    error: (message: string) => {
      log.error(message);
    },
    // Knex warns of each failed connection besides throwing the error, which is logged where it is caught.
    warn: (message: string) => {
      log.debug(message);
    },
    deprecate: (method: string, alternative: string) => {
      log.warn(`${method} is deprecated: use ${alternative}`);
    },
    debug: (message: string) => {
      log.debug(message);
    },
  };
}

/**
 * Knex settings of the service. Each step that depends on MySQL is limited to `timeout`, so that a MySQL that accepts
 * connections but does not answer costs a request that long and no more.
 *
 * @param timeout in milliseconds, for getting a connection and for each query. Defaults to 1500.
 */
export function serviceKnexConfig(config: DatabaseConfig, log: Logger, timeout = 1500): Knex.Config {
  return {
    client: boundedMysqlClient(timeout),
    // Given, so that Knex does not ask each new server for it.
    version: "8.4",
    connection: { ...connection(config), connectTimeout: timeout },
    // With 20 replicas, and some more while they are being replaced, still below the 151 connections that MySQL accepts.
    pool: { min: 0, max: 5 },
    acquireConnectionTimeout: timeout,
    // Error messages would otherwise hold the values: passwords' hashes, session data.
    compileSqlOnError: false,
    log: knexLog(log),
    migrations,
  };
}

/** Knex settings of the migration: one connection, which also holds the lock, and no limit to a query's time. */
export function migrationKnexConfig(config: DatabaseConfig, log: Logger): Knex.Config {
  return {
    client: "mysql2",
    connection: { ...connection(config), connectTimeout: 5000 },
    pool: { min: 0, max: 1, idleTimeoutMillis: 24 * 60 * 60 * 1000 },
    acquireConnectionTimeout: 10_000,
    compileSqlOnError: false,
    log: knexLog(log),
    migrations,
  };
}
