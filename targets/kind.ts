import * as pulumi from "@pulumi/pulumi";

import { BlogImage } from "../components/blogImage.ts";
import { ClusterImages } from "../components/clusterImages.ts";
import { KindCluster } from "../components/kindCluster.ts";
import { Logging } from "../components/logging.ts";
import { blogUrl, portMappings, type StackConfig } from "../config.ts";
import { deployBlog } from "./kubernetes.ts";

/** A cluster made by kind on the local Docker engine, and everything in it. */
export function deployToKind(config: StackConfig) {
  // The image is built while the cluster is made.
  const image = new BlogImage("blog", {
    image: config.blogImage,
    baseImage: config.baseImage,
    platform: config.imagePlatform,
  });
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
  const { configuration } = deployBlog(config, { images, tag: image.tag }, inCluster);

  // Beside the blog, which does not wait for it.
  const logging = config.logging
    ? new Logging("logging", { ...config, cluster, namespace: config.loggingNamespace }, inCluster)
    : undefined;

  return {
    /** Where the blog answers. */
    url: blogUrl(config),
    /** Name of the kind cluster. */
    clusterName: cluster.clusterName,
    /** Administrator's kubeconfig of the cluster. Secret. */
    kubeconfig: cluster.kubeconfig,
    /** User names and passwords, generated or configured. Secret. */
    credentials: pulumi
      .all([configuration.credentials, logging?.credentials])
      .apply((parts) => Object.assign({}, ...parts) as Record<string, string>),
    /** Tag of the blog's image: a hash of what it is built from. */
    imageTag: image.tag,
  };
}
