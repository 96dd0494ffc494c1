import { readFileSync } from "node:fs";

import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import { dockerConfig, registryLogin } from "../images/registry.ts";
import { configurationObjects } from "../kubernetes/configurationObjects.ts";
import { blogEnvironment, databaseEnvironment, mySqlContract } from "../kubernetes/contract.ts";
import { sessionKeyLength } from "../kubernetes/generatedPassword.ts";

/** Objects that only the stack's own MySQL reads. */
export interface MySqlConfiguration {
  /** ConfigMap with the schema and the start script. */
  init: k8s.core.v1.ConfigMap;
  /** Secret with MYSQL_ROOT_PASSWORD. */
  root: k8s.core.v1.Secret;
}

/** Name of MySQL's headless Service and StatefulSet. */
export const mySqlName = "mysql";
/** Name of the Service for MySQL's clients. */
export const mySqlPrimaryName = "mysql-primary";

/** ConfigMaps and Secrets of the blog and its database. Their keys are the names of environment variables. */
export class BlogConfiguration extends pulumi.ComponentResource {
  /** ConfigMap with MYSQL_HOST, MYSQL_PORT and MYSQL_DATABASE. */
  readonly database: k8s.core.v1.ConfigMap;
  /** ConfigMap with MySQL's CA certificates as files. Undefined without TLS. */
  readonly databaseFiles: { configMap: k8s.core.v1.ConfigMap; keys: string[] } | undefined;
  /** ConfigMap with LOG_LEVEL, COOKIE_SECURE, REGISTRATIONS_PER_HOUR and TRUSTED_PROXIES. */
  readonly settings: k8s.core.v1.ConfigMap;
  /** Secret with MYSQL_USER and MYSQL_PASSWORD. */
  readonly databaseUser: k8s.core.v1.Secret;
  /** Secret with SESSION_KEYS. */
  readonly session: k8s.core.v1.Secret;
  /** Objects that only MySQL reads. Undefined with an existing MySQL. */
  readonly mySql: MySqlConfiguration | undefined;
  /** Secrets for pulling images. Undefined without a login. */
  readonly imagePullSecrets: { name: pulumi.Output<string> }[] | undefined;
  /** User names, passwords and keys for the stack's outputs. Secret. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, config: StackConfig, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogConfiguration", name, {}, opts);
    const { configMap, secret, generatedPassword } = configurationObjects(this, name, config.namespace, opts);
    const access = {
      host: config.mysqlHost ?? `${mySqlPrimaryName}.${config.namespace}.svc.cluster.local`,
      port: config.mysqlHost === undefined ? mySqlContract.port : config.mysqlPort,
      database: config.mysqlDatabase,
      user: config.mysqlUser,
      ca: config.mysqlCa,
      password: pulumi.secret(config.mysqlPassword ?? generatedPassword("mysql-password")),
    };
    const sessionKeys = pulumi.secret(config.sessionKeys ?? generatedPassword("session-key", sessionKeyLength));
    const database = databaseEnvironment(access);
    const blog = blogEnvironment({
      ...config,
      sessionKeys,
      secureCookies: config.ingressTlsSecret !== undefined,
      // The Ingress controller is a proxy.
      trustedProxies: config.expose === "Ingress" ? 1 : 0,
    });

    this.database = configMap("database", mySqlName, database.variables);
    this.databaseFiles = database.files && {
      configMap: configMap("database-files", mySqlName, database.files),
      keys: Object.keys(database.files),
    };
    this.databaseUser = secret("database-user", mySqlName, database.secrets);
    this.settings = configMap("settings", "koa-blog", blog.variables);
    this.session = secret("session", "koa-blog", blog.secrets);
    const login = registryLogin(config);
    if (login) {
      const data = { ".dockerconfigjson": dockerConfig(login) };
      const { metadata } = secret("registry", "koa-blog", data, "kubernetes.io/dockerconfigjson");
      this.imagePullSecrets = [{ name: metadata.name }];
    }

    let mysqlRootPassword: pulumi.Output<string> | undefined;
    if (config.mysqlHost === undefined) {
      mysqlRootPassword = pulumi.secret(config.mysqlRootPassword ?? generatedPassword("mysql-root-password"));
      this.mySql = {
        init: configMap("mysql-init", mySqlName, {
          "schema.sql": readFileSync("db/schema.sql", "utf8"),
          "start-mysql.sh": readFileSync("db/start-mysql.sh", "utf8"),
        }),
        root: secret("database-root", mySqlName, { MYSQL_ROOT_PASSWORD: mysqlRootPassword }),
      };
    }
    this.credentials = pulumi.secret(
      pulumi.all({
        mysqlUser: config.mysqlUser,
        mysqlPassword: access.password,
        ...(mysqlRootPassword && { mysqlRootPassword }),
        sessionKeys,
      }),
    );
    this.registerOutputs({
      database: this.database,
      databaseFiles: this.databaseFiles,
      settings: this.settings,
      databaseUser: this.databaseUser,
      session: this.session,
      mySql: this.mySql,
      imagePullSecrets: this.imagePullSecrets,
      credentials: this.credentials,
    });
  }
}
