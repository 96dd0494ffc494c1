import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { generatedPassword } from "../kubernetes/generatedPassword.ts";
import { dockerConfig, type RegistryLogin } from "../kubernetes/imagePullSecret.ts";
import { immutableConfigMap, immutableSecret } from "../kubernetes/immutableObjects.ts";
import { labels } from "../kubernetes/labels.ts";

export interface BlogConfigurationArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Host name of MySQL, optionally with a port, which defaults to 3306. */
  mysqlHost: pulumi.Input<string>;
  /** CA certificates of MySQL in PEM format. Defaults to connections without TLS. */
  mysqlCa?: pulumi.Input<string> | undefined;
  /** Name of the database. Defaults to `koa_blog`. */
  mysqlDatabase?: pulumi.Input<string>;
  /** MySQL user of the blog. Defaults to `koa_blog`. */
  mysqlUser?: pulumi.Input<string>;
  /** Password of that user. Defaults to a generated password. */
  mysqlPassword?: pulumi.Input<string> | undefined;
  /** Keys that sign session cookies, newest first, separated by commas. Defaults to a generated key. */
  sessionKeys?: pulumi.Input<string> | undefined;
  /** Lowest level that the blog logs. Defaults to `info`. */
  logLevel?: pulumi.Input<string>;
  /** Registrations allowed per client IP address per hour. Defaults to 100. */
  registrationsPerHour?: pulumi.Input<number>;
  /** Whether browsers use HTTPS, so that cookies can be Secure. Defaults to false. */
  secureCookies?: pulumi.Input<boolean>;
  /** Name of the session cookie. Browsers send it to all ports of a host. Defaults to `session`. */
  sessionCookie?: pulumi.Input<string>;
  /** Origin of the blog in browsers, if a proxy sends another host name. Defaults to the Host header of requests. */
  origin?: pulumi.Input<string> | undefined;
  /** Number of proxies that append the client's IP address to X-Forwarded-For. Defaults to 0. */
  trustedProxies?: pulumi.Input<number>;
  /** Login of the registry of the images. Defaults to pulls without a password. */
  registryLogin?: RegistryLogin | undefined;
}

/** ConfigMaps and Secrets of the blog. Their keys are the names of environment variables. */
export class BlogConfiguration extends pulumi.ComponentResource {
  /** ConfigMap with MYSQL_HOST, MYSQL_PORT and MYSQL_DATABASE. */
  readonly database: k8s.core.v1.ConfigMap;
  /** Secret with MYSQL_USER and MYSQL_PASSWORD, and with MYSQL_CA if there are CA certificates. */
  readonly databaseUser: k8s.core.v1.Secret;
  /** Keys of that Secret. */
  readonly databaseUserKeys: string[];
  /** ConfigMap with the other environment variables of the blog. */
  readonly settings: k8s.core.v1.ConfigMap;
  /** Secret with SESSION_KEYS. */
  readonly session: k8s.core.v1.Secret;
  /** Secrets for pulling images. Empty without a login. */
  readonly imagePullSecrets: { name: pulumi.Output<string> }[];
  /** MySQL user of the blog. */
  readonly mysqlUser: pulumi.Output<string>;
  /** Password of that user. Secret. */
  readonly mysqlPassword: pulumi.Output<string>;
  /** Keys that sign session cookies. Secret. */
  readonly sessionKeys: pulumi.Output<string>;

  constructor(name: string, args: BlogConfigurationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:BlogConfiguration", name, {}, opts);
    const options = { parent: this };
    const metadata = (component: string) => ({ namespace: args.namespace, labels: labels(component) });
    const address = pulumi.output(args.mysqlHost).apply((host) => host.split(":"));
    this.mysqlUser = pulumi.output(args.mysqlUser ?? "koa_blog");
    this.mysqlPassword = pulumi.secret(args.mysqlPassword ?? generatedPassword(`${name}-mysql-password`, options));
    this.sessionKeys = pulumi.secret(args.sessionKeys ?? generatedPassword(`${name}-session-key`, options, 64));

    this.database = immutableConfigMap(
      `${name}-database`,
      metadata("mysql"),
      {
        MYSQL_HOST: address.apply(([host = ""]) => host),
        MYSQL_PORT: address.apply(([, port = "3306"]) => port),
        MYSQL_DATABASE: args.mysqlDatabase ?? "koa_blog",
      },
      options,
    );
    const databaseUser = {
      MYSQL_USER: this.mysqlUser,
      MYSQL_PASSWORD: this.mysqlPassword,
      ...(args.mysqlCa !== undefined && { MYSQL_CA: args.mysqlCa }),
    };
    this.databaseUser = immutableSecret(`${name}-database-user`, metadata("mysql"), databaseUser, options);
    this.databaseUserKeys = Object.keys(databaseUser);
    this.settings = immutableConfigMap(
      `${name}-settings`,
      metadata("koa-blog"),
      {
        LOG_LEVEL: args.logLevel ?? "info",
        REGISTRATIONS_PER_HOUR: pulumi.interpolate`${args.registrationsPerHour ?? 100}`,
        COOKIE_SECURE: pulumi.interpolate`${args.secureCookies ?? false}`,
        TRUSTED_PROXIES: pulumi.interpolate`${args.trustedProxies ?? 0}`,
        SESSION_COOKIE: args.sessionCookie ?? "session",
        // The blog ignores an empty variable.
        ORIGIN: args.origin ?? "",
      },
      options,
    );
    this.session = immutableSecret(
      `${name}-session`,
      metadata("koa-blog"),
      { SESSION_KEYS: this.sessionKeys },
      options,
    );
    this.imagePullSecrets = [];
    if (args.registryLogin) {
      const data = { ".dockerconfigjson": dockerConfig(args.registryLogin) };
      const type = "kubernetes.io/dockerconfigjson";
      const pullSecret = immutableSecret(`${name}-registry`, metadata("koa-blog"), data, options, type);
      this.imagePullSecrets.push({ name: pullSecret.metadata.name });
    }
    this.registerOutputs({
      database: this.database,
      databaseUser: this.databaseUser,
      databaseUserKeys: this.databaseUserKeys,
      settings: this.settings,
      session: this.session,
      imagePullSecrets: this.imagePullSecrets,
      mysqlUser: this.mysqlUser,
      mysqlPassword: this.mysqlPassword,
      sessionKeys: this.sessionKeys,
    });
  }
}
