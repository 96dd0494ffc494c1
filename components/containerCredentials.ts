import * as pulumi from "@pulumi/pulumi";

import { generatedPassword, sessionKeyLength } from "./passwords.ts";

export interface ContainerCredentialsArgs {
  /** Password of the blog's MySQL user. Defaults to a generated one. */
  mysqlPassword?: pulumi.Input<string> | undefined;
  /** Password of MySQL's root, who can log in from inside MySQL's container only. Defaults to a generated one. */
  mysqlRootPassword?: pulumi.Input<string> | undefined;
  /** Keys that sign session cookies, newest first, separated by commas. Defaults to one generated key. */
  sessionKeys?: pulumi.Input<string> | undefined;
}

/** Passwords and keys, configured or generated. Secret. */
export class ContainerCredentials extends pulumi.ComponentResource {
  readonly mysqlPassword: pulumi.Output<string>;
  readonly mysqlRootPassword: pulumi.Output<string>;
  readonly sessionKeys: pulumi.Output<string>;

  constructor(name: string, args: ContainerCredentialsArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:ContainerCredentials", name, {}, opts);
    const generated = (suffix: string, length?: number) => generatedPassword(`${name}-${suffix}`, this, length);
    this.mysqlPassword = pulumi.secret(args.mysqlPassword ?? generated("mysql-password"));
    this.mysqlRootPassword = pulumi.secret(args.mysqlRootPassword ?? generated("mysql-root-password"));
    this.sessionKeys = pulumi.secret(args.sessionKeys ?? generated("session-key", sessionKeyLength));
    this.registerOutputs({
      mysqlPassword: this.mysqlPassword,
      mysqlRootPassword: this.mysqlRootPassword,
      sessionKeys: this.sessionKeys,
    });
  }
}
