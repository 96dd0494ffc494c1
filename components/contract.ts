import * as pulumi from "@pulumi/pulumi";

/** What a container reads: variables, and secrets, each of which it takes as `X_FILE`, the path of a file. */
export interface Environment {
  variables: Record<string, pulumi.Input<string>>;
  secrets: Record<string, pulumi.Input<string>>;
}

/** Where the database is, and how the blog logs in to it. */
export interface DatabaseAccess {
  host: pulumi.Input<string>;
  port: number;
  database: pulumi.Input<string>;
  user: pulumi.Input<string>;
  password: pulumi.Input<string>;
  /** Certificates in PEM format, of which one has signed MySQL's. Undefined for connections without TLS. */
  ca?: string | undefined;
}

/** The blog's image: the same for every target; `service/config.ts` checks what it reads. */
export const blogContract = {
  port: 5000,
  metricsPort: 9464,
  /** The user `node` of the base image. */
  user: 1000,
  /** Seconds to stop in: the 25 (SHUTDOWN_GRACE) that the blog gives what is in flight, and some to spare. */
  stopSeconds: 30,
  memoryMebibytes: 384,
};

/** MySQL's image, with `db/start-mysql.sh` for its command. */
export const mySqlContract = {
  port: 3306,
  /** The user `mysql` of the official image. */
  user: 999,
  /** Seconds to stop in: InnoDB writes back what it holds in memory. */
  stopSeconds: 60,
  memoryMebibytes: 1024,
  dataFolder: "/var/lib/mysql",
  /** Where the start script writes SQL that holds the passwords: in memory only. */
  initFolder: "/docker-entrypoint-initdb.d",
};

/** Folder in which containers find the files of their secrets. */
export const secretsFolder = "/run/secrets/koa-blog";

/** `X_FILE` for each secret `X`: where the container finds it. */
export function secretFiles(names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${name}_FILE`, `${secretsFolder}/${name}`]));
}

/** What MySQL reads. */
export function mySqlEnvironment(
  { database, user, password }: Pick<DatabaseAccess, "database" | "user" | "password">,
  rootPassword: pulumi.Input<string>,
) {
  return {
    variables: { MYSQL_DATABASE: database, MYSQL_USER: user },
    secrets: { MYSQL_PASSWORD: password, MYSQL_ROOT_PASSWORD: rootPassword },
  } satisfies Environment;
}

/** What the migration reads, and the blog too. */
export function databaseEnvironment({ host, port, database, user, password, ca }: DatabaseAccess) {
  return {
    variables: { MYSQL_HOST: host, MYSQL_PORT: String(port), MYSQL_DATABASE: database, ...(ca && { MYSQL_CA: ca }) },
    secrets: { MYSQL_USER: user, MYSQL_PASSWORD: password },
  } satisfies Environment;
}

export interface BlogSettings {
  logLevel: pulumi.Input<string>;
  /** Whether browsers come over https, so that cookies are for https only. */
  secureCookies: boolean;
  /** Users that may be registered from one address in an hour. */
  registrationsPerHour: pulumi.Input<number>;
  /** Proxies in front of the blog that add the reader's address to X-Forwarded-For. */
  trustedProxies: number;
  /** Keys that sign session cookies, newest first, separated by commas. */
  sessionKeys: pulumi.Input<string>;
}

/** What the blog reads beside {@link databaseEnvironment}. */
export function blogEnvironment(settings: BlogSettings) {
  return {
    variables: {
      LOG_LEVEL: settings.logLevel,
      COOKIE_SECURE: String(settings.secureCookies),
      REGISTRATIONS_PER_HOUR: pulumi.output(settings.registrationsPerHour).apply(String),
      TRUSTED_PROXIES: String(settings.trustedProxies),
    },
    secrets: { SESSION_KEYS: settings.sessionKeys },
  } satisfies Environment;
}
