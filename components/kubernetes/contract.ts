import type * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";

/** Settings of a container. It reads files and secrets from the path in `X_FILE`. */
export interface Environment {
  variables: Record<string, pulumi.Input<string>>;
  /** Values that may exceed 128 KiB, Linux's limit for an environment variable. Defaults to none. */
  files?: Record<string, pulumi.Input<string>> | undefined;
  secrets: Record<string, pulumi.Input<string>>;
}

/** Address of the database, and the blog's login. */
export interface DatabaseAccess {
  host: pulumi.Input<string>;
  port: number;
  database: pulumi.Input<string>;
  user: pulumi.Input<string>;
  password: pulumi.Input<string>;
  /** CA certificates of MySQL in PEM format. Undefined means connections without TLS. */
  ca?: string | undefined;
}

/** Logins of the database and keys of the sessions. Undefined passwords and keys are generated. */
export type Logins = Pick<
  StackConfig,
  "mysqlDatabase" | "mysqlUser" | "mysqlPassword" | "mysqlRootPassword" | "sessionKeys"
>;

/** The blog's image. `service/environment.ts` checks its variables. */
export const blogContract = {
  port: 5000,
  metricsPort: 9464,
  /** The user `node` of the base image. */
  user: 1000,
  /** Seconds until SIGKILL. The blog gives requests in flight 25 seconds (SHUTDOWN_GRACE). */
  stopSeconds: 30,
  memoryMebibytes: 384,
};

/** MySQL's image, with `db/start-mysql.sh` as its command. */
export const mySqlContract = {
  port: 3306,
  /** The user `mysql` of the official image. */
  user: 999,
  /** Seconds until SIGKILL. InnoDB flushes its buffer pool. */
  stopSeconds: 60,
  memoryMebibytes: 1024,
  dataFolder: "/var/lib/mysql",
  /** The start script writes SQL with passwords here, so the folder is in memory. */
  initFolder: "/docker-entrypoint-initdb.d",
};

/** Folder of the secrets' files in containers. */
export const secretsFolder = "/run/secrets/koa-blog";

/** `X_FILE` for each secret `X`, with the path of its file. */
export function secretFiles(names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${name}_FILE`, `${secretsFolder}/${name}`]));
}

/** Settings of MySQL. */
export function mySqlEnvironment(
  { database, user, password }: Pick<DatabaseAccess, "database" | "user" | "password">,
  rootPassword: pulumi.Input<string>,
) {
  return {
    variables: { MYSQL_DATABASE: database, MYSQL_USER: user },
    secrets: { MYSQL_PASSWORD: password, MYSQL_ROOT_PASSWORD: rootPassword },
  } satisfies Environment;
}

/** Settings of the migration. The blog needs them too. */
export function databaseEnvironment({ host, port, database, user, password, ca }: DatabaseAccess) {
  return {
    variables: { MYSQL_HOST: host, MYSQL_PORT: String(port), MYSQL_DATABASE: database },
    files: ca === undefined ? undefined : { MYSQL_CA: ca },
    secrets: { MYSQL_USER: user, MYSQL_PASSWORD: password },
  } satisfies Environment;
}

export interface BlogSettings extends Pick<StackConfig, "logLevel" | "registrationsPerHour"> {
  /** Whether browsers use HTTPS, so that cookies can be Secure. */
  secureCookies: boolean;
  /** Number of proxies that append the client's IP address to X-Forwarded-For. */
  trustedProxies: number;
  /** Keys that sign session cookies, newest first, separated by commas. */
  sessionKeys: pulumi.Input<string>;
}

/** Settings of the blog next to {@link databaseEnvironment}. */
export function blogEnvironment(settings: BlogSettings) {
  return {
    variables: {
      LOG_LEVEL: settings.logLevel,
      COOKIE_SECURE: String(settings.secureCookies),
      REGISTRATIONS_PER_HOUR: String(settings.registrationsPerHour),
      TRUSTED_PROXIES: String(settings.trustedProxies),
    },
    secrets: { SESSION_KEYS: settings.sessionKeys },
  } satisfies Environment;
}
