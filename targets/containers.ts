import * as pulumi from "@pulumi/pulumi";

import { BlogContainer } from "../components/blogContainer.ts";
import { BlogImage } from "../components/blogImage.ts";
import { ContainerCredentials } from "../components/containerCredentials.ts";
import { ContainerNetwork } from "../components/containerNetwork.ts";
import { ContainerVolume } from "../components/containerVolume.ts";
import { blogEnvironment, databaseEnvironment, mySqlContract, mySqlEnvironment } from "../components/contract.ts";
import { nameOf } from "../components/imageBuild.ts";
import { MigrationContainer } from "../components/migrationContainer.ts";
import { MySqlContainer } from "../components/mySqlContainer.ts";
import { MySqlImage } from "../components/mySqlImage.ts";
import { blogUrl, type StackConfig } from "../config.ts";

/** Plain containers on the local Docker engine, without any cluster. */
export function deployToContainers(config: StackConfig) {
  const image = new BlogImage("blog", {
    image: config.blogImage,
    baseImage: config.baseImage,
    platform: config.imagePlatform,
  });
  const mySqlImage = new MySqlImage("mysql", {
    image: `${nameOf(config.blogImage)}-mysql`,
    baseImage: config.mysqlImage,
  });
  const credentials = new ContainerCredentials("blog", {
    mysqlPassword: config.mysqlPassword,
    mysqlRootPassword: config.mysqlRootPassword,
    sessionKeys: config.sessionKeys,
  });
  const { network } = new ContainerNetwork("blog", { network: config.network });
  const { volume } = new ContainerVolume("mysql", { volume: `${config.network}-mysql-data` });

  const mySqlName = "mysql";
  const access = {
    host: mySqlName,
    port: mySqlContract.port,
    database: config.mysqlDatabase,
    user: config.mysqlUser,
    password: credentials.mysqlPassword,
  };
  const database = databaseEnvironment(access);
  const blog = blogEnvironment({
    logLevel: config.logLevel,
    secureCookies: false,
    registrationsPerHour: config.registrationsPerHour,
    trustedProxies: 0,
    sessionKeys: credentials.sessionKeys,
  });
  const mySql = new MySqlContainer(
    "mysql",
    {
      name: `${config.network}-mysql`,
      alias: mySqlName,
      image: mySqlImage.imageId,
      network: network.name,
      volume: volume.name,
      environment: mySqlEnvironment(access, credentials.mysqlRootPassword),
    },
    { dependsOn: [network, volume] },
  );
  const migration = new MigrationContainer(
    "migration",
    { name: `${config.network}-migration`, image: image.imageId, network: network.name, environment: database },
    { dependsOn: [mySql] },
  );
  new BlogContainer(
    "blog",
    {
      name: `${config.network}-blog`,
      image: image.imageId,
      network: network.name,
      environment: {
        variables: { ...database.variables, ...blog.variables },
        secrets: { ...database.secrets, ...blog.secrets },
      },
      hostPort: config.hostPort,
      listenAddress: config.listenAddress,
    },
    { dependsOn: [migration] },
  );

  return {
    /** Where the blog answers. */
    url: blogUrl(config),
    /** User names and passwords, generated or configured. Secret. */
    credentials: pulumi.secret({
      mysqlUser: config.mysqlUser,
      mysqlPassword: credentials.mysqlPassword,
      mysqlRootPassword: credentials.mysqlRootPassword,
      sessionKeys: credentials.sessionKeys,
    }),
    /** Tag of the blog's image: a hash of what it is built from. */
    imageTag: image.tag,
  };
}
