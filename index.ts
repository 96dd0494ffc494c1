import * as pulumi from "@pulumi/pulumi";

import { Blog } from "./components/blog/blog.ts";
import { BlogConfiguration } from "./components/blog/blogConfiguration.ts";
import { BlogNamespace } from "./components/blog/blogNamespace.ts";
import { BlogService } from "./components/blog/blogService.ts";
import { MySql } from "./components/blog/mySql.ts";
import { SchemaMigration } from "./components/blog/schemaMigration.ts";
import { existingCluster, ownCluster } from "./components/cluster/place.ts";
import { PlainContainers } from "./components/containers/plainContainers.ts";
import { BlogImage } from "./components/images/blogImage.ts";
import { MySqlImage } from "./components/images/mySqlImage.ts";
import { Logging } from "./components/logging/logging.ts";
import { blogUrl } from "./components/kubernetes/blogUrl.ts";
import { loadConfig } from "./config.ts";

const config = loadConfig();

/** The stack's outputs. */
export default config.target === "containers" ? deployToContainers() : deployToKubernetes();

/** The blog, its database and the logs in a Kubernetes cluster, in deployment order. */
function deployToKubernetes() {
  const place = config.target === "kind" ? ownCluster(config) : existingCluster(config);
  const { inCluster, blogImage, migrationImage, podImage } = place;

  const blogNamespace = new BlogNamespace("blog", config, inCluster);
  const configuration = new BlogConfiguration("blog", config, { ...inCluster, dependsOn: [blogNamespace] });
  const service = new BlogService("blog", config, { ...inCluster, dependsOn: [configuration] });
  // Undefined with an existing MySQL.
  const mySqlImage = configuration.mySql && podImage("mysql", config.mysqlImage);
  const mySql =
    mySqlImage &&
    new MySql(
      "mysql",
      { ...config, image: mySqlImage.reference, configuration, server: configuration.mySql },
      { ...inCluster, dependsOn: [configuration, service, ...mySqlImage.dependsOn] },
    );
  const migration = new SchemaMigration(
    "blog",
    { ...config, image: migrationImage, configuration },
    { ...inCluster, dependsOn: [mySql ?? configuration, migrationImage] },
  );
  const blog = new Blog(
    "blog",
    { ...config, image: blogImage, configuration },
    { ...inCluster, dependsOn: [migration, service, blogImage] },
  );

  // The blog does not depend on the logs.
  const logging = config.logging
    ? new Logging(
        "logging",
        {
          ...config,
          images: {
            elasticsearch: podImage("elasticsearch", config.elasticsearchImage),
            kibana: podImage("kibana", config.kibanaImage),
            fluentd: podImage("fluentd", config.fluentdImage),
            node: podImage("node", config.baseImage),
          },
        },
        inCluster,
      )
    : undefined;

  return {
    /** URL of the blog. */
    url: place.url(service, blog),
    /** Name and secret kubeconfig of the kind cluster, or context of the existing cluster. */
    ...place.outputs,
    /** User names and passwords. Secret. */
    credentials: pulumi
      .all([configuration.credentials, logging?.credentials])
      .apply((parts) => Object.assign({}, ...parts) as Record<string, string>),
    /** Tag of the blog's image, a hash of its content. */
    imageTag: blogImage.tag,
  };
}

/** The blog and its database in containers, without Kubernetes. */
function deployToContainers() {
  const { blogImage: image, baseImage, imagePlatform: platform } = config;
  const blogImage = new BlogImage("blog", { image, baseImage, platform });
  const mySqlImage = new MySqlImage("mysql", { blogImage: image, baseImage: config.mysqlImage });
  const { credentials } = new PlainContainers("blog", {
    ...config,
    blogImage: blogImage.imageId,
    mySqlImage: mySqlImage.imageId,
  });
  return { url: blogUrl(config), credentials, imageTag: blogImage.tag };
}
