import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { BlogImage } from "../components/blogImage.ts";
import { pulledImages } from "../components/clusterImages.ts";
import { ExistingCluster } from "../components/existingCluster.ts";
import { Logging } from "../components/logging.ts";
import { registry, type StackConfig } from "../config.ts";
import { deployBlog } from "./kubernetes.ts";

/** The blog, and on demand its logs, in a cluster that is there. The image goes to a registry, from which the nodes pull. */
export function deployToExisting(config: StackConfig) {
  // First, since it refuses a context that is not there.
  const cluster = new ExistingCluster("cluster", { kubeconfig: config.kubeconfig, context: config.kubeContext ?? "" });
  const image = new BlogImage("blog", {
    image: config.blogImage,
    baseImage: config.baseImage,
    platform: config.imagePlatform,
    push: { registry: registry(config) },
  });
  const inCluster = { providers: [cluster.provider] };
  const images = pulledImages({ blog: image.imageName, mysql: config.mysqlImage });
  const deployed = deployBlog(config, { images, tag: image.tag }, inCluster);

  const logging = config.logging
    ? new Logging("logging", { ...config, namespace: config.loggingNamespace }, inCluster)
    : undefined;

  return {
    /** Where the blog answers. */
    url: urlOf(config, deployed, cluster.provider),
    /** Context of the kubeconfig that it was deployed with. */
    kubeContext: config.kubeContext,
    /** User names and passwords, generated or configured. Secret. */
    credentials: pulumi
      .all([deployed.configuration.credentials, logging?.credentials])
      .apply((parts) => Object.assign({}, ...parts) as Record<string, string>),
    /** Tag of the blog's image: a hash of what it is built from. */
    imageTag: image.tag,
  };
}

/** A load balancer's address is known some time after its Service is there: when the blog runs, it is read. */
function urlOf(
  config: StackConfig,
  { service, blog }: ReturnType<typeof deployBlog>,
  provider: k8s.Provider,
): pulumi.Input<string> {
  switch (config.expose) {
    case "NodePort":
      return `http://ADDRESS-OF-A-NODE:${String(config.nodePort)}`;
    case "Ingress":
      return `${config.ingressTlsSecret ? "https" : "http"}://${config.ingressHost ?? ""}`;
    case "LoadBalancer": {
      const { status } = k8s.core.v1.Service.get("blog-address", service.service.id, { provider, dependsOn: [blog] });
      return status.apply(({ loadBalancer }) => {
        // Not there, against its type, as long as there is no address.
        const [address] = (loadBalancer.ingress as typeof loadBalancer.ingress | undefined) ?? [];
        return address ? `http://${address.hostname || address.ip}` : "http://ADDRESS-OF-THE-LOAD-BALANCER";
      });
    }
  }
}
