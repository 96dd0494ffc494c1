import { readFileSync } from "node:fs";

import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { configurationObjects } from "./configurationObjects.ts";

export interface BlogConfigurationArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Name of the database. */
  mysqlDatabase: pulumi.Input<string>;
  /** MySQL user of the blog. */
  mysqlUser: pulumi.Input<string>;
  /** Password of that user. Defaults to a generated one. */
  mysqlPassword?: pulumi.Input<string> | undefined;
  /** Password of MySQL's root, who can log in from inside MySQL's pod only. Defaults to a generated one. */
  mysqlRootPassword?: pulumi.Input<string> | undefined;
  /** Keys that sign session cookies, newest first, separated by commas. Defaults to one generated key. */
  sessionKeys?: pulumi.Input<string> | undefined;
  /** Least severe log level of the blog. Defaults to `info`. */
  logLevel?: pulumi.Input<string>;
}

/** Name of MySQL's headless Service, and of all that belongs to it. */
export const mySqlName = "mysql";

const mySqlPort = 3306;

/**
 * The ConfigMaps and Secrets of the blog and its database. Each key is spelt as the environment variable that it becomes.
 */
export class BlogConfiguration extends pulumi.ComponentResource {
  /** ConfigMap of where the database is: MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE. */
  readonly database: k8s.core.v1.ConfigMap;
  /** ConfigMap of the files that initialise MySQL. */
  readonly mySqlInit: k8s.core.v1.ConfigMap;
  /** ConfigMap of the blog's own settings: LOG_LEVEL. */
  readonly settings: k8s.core.v1.ConfigMap;
  /** Secret of the blog's MySQL user: MYSQL_USER, MYSQL_PASSWORD. */
  readonly databaseUser: k8s.core.v1.Secret;
  /** Secret of MySQL's root: MYSQL_ROOT_PASSWORD. */
  readonly databaseRoot: k8s.core.v1.Secret;
  /** Secret of the blog's sessions: SESSION_KEYS. */
  readonly session: k8s.core.v1.Secret;
  /** Everything secret in one object, for the stack's outputs. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: BlogConfigurationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogConfiguration", name, {}, opts);
    const { configMap, secret, generatedPassword } = configurationObjects(this, name, args.namespace, opts);
    const mysqlPassword = pulumi.secret(args.mysqlPassword ?? generatedPassword("mysql-password"));
    const mysqlRootPassword = pulumi.secret(args.mysqlRootPassword ?? generatedPassword("mysql-root-password"));
    const sessionKeys = pulumi.secret(args.sessionKeys ?? generatedPassword("session-key", 64));

    this.database = configMap("database", mySqlName, {
      MYSQL_HOST: pulumi.interpolate`${mySqlName}.${args.namespace}.svc.cluster.local`,
      MYSQL_PORT: String(mySqlPort),
      MYSQL_DATABASE: args.mysqlDatabase,
    });
    this.mySqlInit = configMap("mysql-init", mySqlName, {
      "schema.sql": readFileSync("db/schema.sql", "utf8"),
      "start-mysql.sh": readFileSync("db/start-mysql.sh", "utf8"),
    });
    this.settings = configMap("settings", "koa-blog", { LOG_LEVEL: args.logLevel ?? "info" });
    this.databaseUser = secret("database-user", mySqlName, {
      MYSQL_USER: args.mysqlUser,
      MYSQL_PASSWORD: mysqlPassword,
    });
    this.databaseRoot = secret("database-root", mySqlName, { MYSQL_ROOT_PASSWORD: mysqlRootPassword });
    this.session = secret("session", "koa-blog", { SESSION_KEYS: sessionKeys });
    this.credentials = pulumi.secret(
      pulumi.all({ mysqlUser: args.mysqlUser, mysqlPassword, mysqlRootPassword, sessionKeys }),
    );
    this.registerOutputs({
      database: this.database,
      mySqlInit: this.mySqlInit,
      settings: this.settings,
      databaseUser: this.databaseUser,
      databaseRoot: this.databaseRoot,
      session: this.session,
      credentials: this.credentials,
    });
  }
}
