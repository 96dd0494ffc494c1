import * as pulumi from "@pulumi/pulumi";

import { Blog } from "./components/blog.ts";
import { BlogConfiguration } from "./components/blogConfiguration.ts";
import { BlogImage } from "./components/blogImage.ts";
import { BlogNamespace } from "./components/blogNamespace.ts";
import { BlogService } from "./components/blogService.ts";
import { ClusterImages } from "./components/clusterImages.ts";
import { KindCluster } from "./components/kindCluster.ts";
import { Logging } from "./components/logging.ts";
import { MySql } from "./components/mySql.ts";
import { SchemaMigration } from "./components/schemaMigration.ts";
import { blogUrl, loadConfig, portMappings } from "./config.ts";
const config = loadConfig();

// The image is built while the cluster is made.
const image = new BlogImage("blog", { baseImage: config.baseImage });
const cluster = new KindCluster("kind", {
  clusterName: config.clusterName,
  workers: config.workers,
  nodeImage: config.nodeImage,
  portMappings: portMappings(config),
  mergeKubeconfig: config.mergeKubeconfig,
});
const inCluster = {
  providers: [cluster.provider],
  deletedWith: cluster.provider,
  // A new provider replaces what the old one made, but not if the run that made the provider was killed before it did.
  replacementTrigger: cluster.identity,
};

const images = new ClusterImages(
  "images",
  {
    clusterName: cluster.clusterName,
    nodes: cluster.workerNodes,
    clusterIdentity: cluster.identity,
    images: {
      blog: { reference: image.imageName, origin: "build" },
      mysql: { reference: config.mysqlImage, origin: "registry" },
    },
  },
  { deletedWith: cluster.cluster, dependsOn: [cluster.cluster] },
);

// Inside the cluster, in the order in which it comes up.
const { namespace } = config;
const blogNamespace = new BlogNamespace("blog", { namespace }, inCluster);
const configuration = new BlogConfiguration(
  "blog",
  {
    namespace,
    mysqlDatabase: config.mysqlDatabase,
    mysqlUser: config.mysqlUser,
    mysqlPassword: config.mysqlPassword,
    mysqlRootPassword: config.mysqlRootPassword,
    sessionKeys: config.sessionKeys,
    logLevel: config.logLevel,
  },
  { ...inCluster, dependsOn: [blogNamespace] },
);
const service = new BlogService(
  "blog",
  { namespace, nodePort: config.nodePort },
  { ...inCluster, dependsOn: [configuration] },
);
const mySql = new MySql(
  "mysql",
  { namespace, image: images.references.mysql, configuration, storage: config.mysqlStorage },
  { ...inCluster, dependsOn: [configuration, service, images.loads.mysql] },
);
const blogRelease = { namespace, image: images.references.blog, tag: image.tag, configuration };
const migration = new SchemaMigration("blog", blogRelease, {
  ...inCluster,
  dependsOn: [mySql, images.loads.blog],
});
new Blog("blog", { ...blogRelease, replicas: config.replicas }, { ...inCluster, dependsOn: [migration, service] });

// Beside the blog, which does not wait for it.
const logging = config.logging
  ? new Logging("logging", { ...config, cluster, namespace: config.loggingNamespace }, inCluster)
  : undefined;

/** Where the blog answers. */
export const url = blogUrl(config);
/** Name of the kind cluster. */
export const clusterName = cluster.clusterName;
/** Administrator's kubeconfig of the cluster. Secret. */
export const kubeconfig = cluster.kubeconfig;
/** User names and passwords, generated or configured. Secret. */
export const credentials = pulumi
  .all([configuration.credentials, logging?.credentials])
  .apply((parts) => Object.assign({}, ...parts) as Record<string, string>);
/** Tag of the blog's image: a hash of what it is built from. */
export const imageTag = image.tag;
