import { readFileSync } from "node:fs";

import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { configurationObjects } from "./configurationObjects.ts";
import {
  blogEnvironment,
  databaseEnvironment,
  mySqlContract,
  mySqlEnvironment,
  type DatabaseAccess,
} from "./contract.ts";
import { sessionKeyLength } from "./passwords.ts";
import { dockerConfig, type Registry } from "./registry.ts";

export interface BlogConfigurationArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Name of the database. */
  mysqlDatabase: pulumi.Input<string>;
  /** MySQL user of the blog. */
  mysqlUser: pulumi.Input<string>;
  /** Password of that user. Defaults to a generated one. */
  mysqlPassword?: pulumi.Input<string> | undefined;
  /** Where a MySQL is that the stack does not run. Defaults to none: the stack runs its own. */
  externalMySql?: Pick<DatabaseAccess, "host" | "port" | "ca"> | undefined;
  /** Password of the root of the stack's own MySQL, who can log in from inside its pod only. Defaults to a generated one. */
  mysqlRootPassword?: pulumi.Input<string> | undefined;
  /** Keys that sign session cookies, newest first, separated by commas. Defaults to one generated key. */
  sessionKeys?: pulumi.Input<string> | undefined;
  /** Least severe log level of the blog. Defaults to `info`. */
  logLevel?: pulumi.Input<string>;
  /** Whether browsers come over https. Defaults to false. */
  secureCookies?: boolean;
  /** Users that may be registered from one address in an hour. Defaults to 100. */
  registrationsPerHour?: pulumi.Input<number>;
  /** Proxies in front of the blog that add the reader's address to X-Forwarded-For. Defaults to 0. */
  trustedProxies?: number;
  /** Registry from which the nodes pull with a password. Defaults to none. */
  registry?: Registry | undefined;
}

/** What only the stack's own MySQL reads. */
export interface MySqlConfiguration {
  /** ConfigMap of the files that initialise MySQL. */
  init: k8s.core.v1.ConfigMap;
  /** Secret of MySQL's root: MYSQL_ROOT_PASSWORD. */
  root: k8s.core.v1.Secret;
}

/** Name of MySQL's headless Service, and of all that belongs to it. */
export const mySqlName = "mysql";
/** Name of the Service by which MySQL's clients reach it. */
export const mySqlPrimaryName = "mysql-primary";

/**
 * The ConfigMaps and Secrets of the blog and its database. Each key is spelt as the environment variable that it becomes.
 */
export class BlogConfiguration extends pulumi.ComponentResource {
  /** ConfigMap of where the database is: MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, and MYSQL_CA if it speaks TLS. */
  readonly database: k8s.core.v1.ConfigMap;
  /** ConfigMap of the blog's own settings: LOG_LEVEL, COOKIE_SECURE, REGISTRATIONS_PER_HOUR, TRUSTED_PROXIES. */
  readonly settings: k8s.core.v1.ConfigMap;
  /** Secret of the blog's MySQL user: MYSQL_USER, MYSQL_PASSWORD. */
  readonly databaseUser: k8s.core.v1.Secret;
  /** Secret of the blog's sessions: SESSION_KEYS. */
  readonly session: k8s.core.v1.Secret;
  /** What only MySQL reads; undefined if the stack does not run it. */
  readonly mySql: MySqlConfiguration | undefined;
  /** Names of the Secrets with which nodes pull images. */
  readonly imagePullSecrets: pulumi.Output<string>[];
  /** Everything secret in one object, for the stack's outputs. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: BlogConfigurationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogConfiguration", name, {}, opts);
    const { configMap, secret, registrySecret, generatedPassword } = configurationObjects(
      this,
      name,
      args.namespace,
      opts,
    );
    const access = {
      host: args.externalMySql?.host ?? pulumi.interpolate`${mySqlPrimaryName}.${args.namespace}.svc.cluster.local`,
      port: args.externalMySql?.port ?? mySqlContract.port,
      database: args.mysqlDatabase,
      user: args.mysqlUser,
      ca: args.externalMySql?.ca,
      password: pulumi.secret(args.mysqlPassword ?? generatedPassword("mysql-password")),
    };
    const sessionKeys = pulumi.secret(args.sessionKeys ?? generatedPassword("session-key", sessionKeyLength));
    const database = databaseEnvironment(access);
    const blog = blogEnvironment({
      logLevel: args.logLevel ?? "info",
      secureCookies: args.secureCookies ?? false,
      registrationsPerHour: args.registrationsPerHour ?? 100,
      trustedProxies: args.trustedProxies ?? 0,
      sessionKeys,
    });

    this.database = configMap("database", mySqlName, database.variables);
    this.databaseUser = secret("database-user", mySqlName, database.secrets);
    this.settings = configMap("settings", "koa-blog", blog.variables);
    this.session = secret("session", "koa-blog", blog.secrets);
    this.imagePullSecrets = args.registry
      ? [registrySecret("registry", "koa-blog", dockerConfig(args.registry)).metadata.name]
      : [];

    let mysqlRootPassword: pulumi.Output<string> | undefined;
    if (!args.externalMySql) {
      mysqlRootPassword = pulumi.secret(args.mysqlRootPassword ?? generatedPassword("mysql-root-password"));
      const { MYSQL_ROOT_PASSWORD } = mySqlEnvironment(access, mysqlRootPassword).secrets;
      this.mySql = {
        init: configMap("mysql-init", mySqlName, {
          "schema.sql": readFileSync("db/schema.sql", "utf8"),
          "start-mysql.sh": readFileSync("db/start-mysql.sh", "utf8"),
        }),
        root: secret("database-root", mySqlName, { MYSQL_ROOT_PASSWORD }),
      };
    }
    this.credentials = pulumi.secret(
      pulumi.all({
        mysqlUser: args.mysqlUser,
        mysqlPassword: access.password,
        ...(mysqlRootPassword && { mysqlRootPassword }),
        sessionKeys,
      }),
    );
    this.registerOutputs({
      database: this.database,
      settings: this.settings,
      databaseUser: this.databaseUser,
      session: this.session,
      mySql: this.mySql,
      imagePullSecrets: this.imagePullSecrets,
      credentials: this.credentials,
    });
  }
}
