import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import {
  blogContract,
  blogEnvironment,
  databaseEnvironment,
  type Logins,
  mySqlContract,
  mySqlEnvironment,
} from "../kubernetes/contract.ts";
import { generatedPassword, sessionKeyLength } from "../kubernetes/generatedPassword.ts";
import { ownLabels } from "../kubernetes/ownLabels.ts";
import { Container } from "./container.ts";

type Settings = Pick<StackConfig, "network" | "hostPort" | "listenAddress" | "logLevel" | "registrationsPerHour">;

export interface PlainContainersArgs extends Settings, Logins {
  /** Id of the blog's image. */
  blogImage: pulumi.Input<string>;
  /** Id of MySQL's image. */
  mySqlImage: pulumi.Input<string>;
}

/** The blog and its database in containers of the local Docker engine, without Kubernetes. */
export class PlainContainers extends pulumi.ComponentResource {
  /** User names and passwords, generated or configured. Secret. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: PlainContainersArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:PlainContainers", name, {}, opts);
    /** Options with an alias. Stacks from before version 1.0 have the resource in another component. */
    const formerlyOf = (type: string, owner: string) => ({
      parent: this,
      aliases: [
        { parent: `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::blog:containers:${type}::${owner}` },
      ],
    });
    const formerlyOfStack = { parent: this, aliases: [{ parent: pulumi.rootStackResource }] };
    const password = (configured: pulumi.Input<string> | undefined, suffix: string, length?: number) =>
      pulumi.secret(
        configured ?? generatedPassword(`${name}-${suffix}`, formerlyOf("ContainerCredentials", "blog"), length),
      );
    const mysqlPassword = password(args.mysqlPassword, "mysql-password");
    const mysqlRootPassword = password(args.mysqlRootPassword, "mysql-root-password");
    const sessionKeys = password(args.sessionKeys, "session-key", sessionKeyLength);

    const network = new docker.Network(
      `${name}-network`,
      { name: args.network, labels: ownLabels() },
      formerlyOf("ContainerNetwork", "blog"),
    );
    // No dependencies, so `npm run deploy -- --prune` can destroy all other resources and keep the data.
    const volume = new docker.Volume(
      "mysql-volume",
      { name: `${args.network}-mysql-data`, labels: ownLabels() },
      // A moved checkout changes the label of the folder, which would replace the volume and lose its data.
      { ...formerlyOf("ContainerVolume", "mysql"), ignoreChanges: ["labels"] },
    );

    const host = "mysql";
    const { mysqlDatabase: database, mysqlUser: user } = args;
    const access = { host, port: mySqlContract.port, database, user, password: mysqlPassword };
    const ofDatabase = databaseEnvironment(access);
    const ofBlog = blogEnvironment({ ...args, secureCookies: false, trustedProxies: 0, sessionKeys });
    const mySql = new Container(
      "MySqlContainer",
      "mysql",
      {
        name: `${args.network}-mysql`,
        image: args.mySqlImage,
        contract: mySqlContract,
        network: { name: network.name, aliases: [host] },
        environment: mySqlEnvironment(access, mysqlRootPassword),
        extra: {
          restart: "unless-stopped",
          volumes: [{ volumeName: volume.name, containerPath: mySqlContract.dataFolder }],
          tmpfs: { [mySqlContract.initFolder]: `uid=${String(mySqlContract.user)},mode=700` },
          // The program waits for the health check of the image.
          wait: true,
          waitTimeout: 300,
        },
      },
      { ...formerlyOfStack, dependsOn: [network, volume] },
    );
    const ofBlogImage = { image: args.blogImage, contract: blogContract, network: { name: network.name } };
    const migration = new Container(
      "MigrationContainer",
      "migration",
      {
        ...ofBlogImage,
        name: `${args.network}-migration`,
        environment: ofDatabase,
        extra: { command: ["node", "db/migrate.ts"], start: false, mustRun: false },
      },
      { ...formerlyOfStack, dependsOn: [mySql] },
    );
    // Docker's provider would report a failed migration as a success.
    const migrationRun = new command.local.Command(
      "migration-run",
      {
        create: `docker start --attach '${args.network}-migration'`,
        triggers: [migration.container.id],
        addPreviousOutputInEnv: false,
      },
      { parent: migration, dependsOn: [mySql] },
    );
    new Container(
      "BlogContainer",
      "blog",
      {
        ...ofBlogImage,
        name: `${args.network}-blog`,
        environment: {
          variables: { ...ofDatabase.variables, ...ofBlog.variables },
          secrets: { ...ofDatabase.secrets, ...ofBlog.secrets },
        },
        extra: {
          restart: "unless-stopped",
          ports: [{ internal: blogContract.port, external: args.hostPort, ip: args.listenAddress }],
          wait: true,
          waitTimeout: 60,
        },
      },
      { ...formerlyOfStack, dependsOn: [migration, migrationRun] },
    );
    this.credentials = pulumi.secret(pulumi.all({ mysqlUser: user, mysqlPassword, mysqlRootPassword, sessionKeys }));
    this.registerOutputs({ credentials: this.credentials });
  }
}
