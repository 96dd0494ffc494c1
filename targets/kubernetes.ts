import type * as pulumi from "@pulumi/pulumi";

import { Blog } from "../components/blog.ts";
import { BlogConfiguration } from "../components/blogConfiguration.ts";
import type { BlogImage } from "../components/blogImage.ts";
import { BlogNamespace } from "../components/blogNamespace.ts";
import { BlogService } from "../components/blogService.ts";
import type { RunnableImages } from "../components/clusterImages.ts";
import { MySql } from "../components/mySql.ts";
import { SchemaMigration } from "../components/schemaMigration.ts";
import { exposure, externalMySql, registry, type StackConfig } from "../config.ts";

/** The images that the blog's pods run. */
export interface BlogImages {
  images: RunnableImages<"blog" | "mysql">;
  /** Tag of the blog's. */
  tag: BlogImage["tag"];
}

/** The blog and its database inside any cluster, in the order in which they come up. */
export function deployBlog(
  config: StackConfig,
  { images, tag }: BlogImages,
  inCluster: pulumi.ComponentResourceOptions,
) {
  const { namespace } = config;
  const blogNamespace = new BlogNamespace("blog", { namespace }, inCluster);
  const configuration = new BlogConfiguration(
    "blog",
    {
      namespace,
      mysqlDatabase: config.mysqlDatabase,
      mysqlUser: config.mysqlUser,
      mysqlPassword: config.mysqlPassword,
      externalMySql: externalMySql(config),
      mysqlRootPassword: config.mysqlRootPassword,
      sessionKeys: config.sessionKeys,
      logLevel: config.logLevel,
      secureCookies: config.ingressTlsSecret !== undefined,
      registrationsPerHour: config.registrationsPerHour,
      // The Ingress controller.
      trustedProxies: config.expose === "Ingress" ? 1 : 0,
      registry: registry(config),
    },
    { ...inCluster, dependsOn: [blogNamespace] },
  );
  const service = new BlogService(
    "blog",
    { namespace, exposure: exposure(config) },
    { ...inCluster, dependsOn: [configuration] },
  );
  // Unless the database is somewhere else.
  const mySql = configuration.mySql
    ? new MySql(
        "mysql",
        {
          namespace,
          image: images.references.mysql,
          configuration,
          server: configuration.mySql,
          storage: config.mysqlStorage,
          storageClass: config.storageClass,
        },
        { ...inCluster, dependsOn: [configuration, service, ...images.loads.mysql] },
      )
    : configuration;
  const release = { namespace, image: images.references.blog, tag, configuration };
  const migration = new SchemaMigration("blog", release, {
    ...inCluster,
    dependsOn: [mySql, ...images.loads.blog],
  });
  const blog = new Blog(
    "blog",
    { ...release, replicas: config.replicas, maxReplicas: config.maxReplicas },
    { ...inCluster, dependsOn: [migration, service] },
  );
  return { configuration, service, blog };
}
