import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import type { Blog } from "../blog/blog.ts";
import type { BlogService } from "../blog/blogService.ts";
import { BlogImage } from "../images/blogImage.ts";
import { MigrationImage } from "../images/migrationImage.ts";
import { MirroredImage } from "../images/mirroredImage.ts";
import { registryLogin } from "../images/registry.ts";
import { blogUrl } from "../kubernetes/blogUrl.ts";
import { ExistingCluster } from "./existingCluster.ts";
import { KindCluster } from "./kindCluster.ts";
import { LocalRegistry } from "./localRegistry.ts";

/** An image for pods. */
export interface PodImage {
  /** Reference in manifests. */
  reference: pulumi.Input<string>;
  /** Resources that must exist before a node can pull it. */
  dependsOn: pulumi.Resource[];
}

/** The cluster of the pods, and the source of their images. */
export interface Place {
  /** Options of all components in the cluster. */
  inCluster: pulumi.ComponentResourceOptions;
  /** The images of the blog and of its migration Job, in a registry that the nodes can reach. */
  blogImage: BlogImage;
  migrationImage: MigrationImage;
  /** Makes a published image available to the nodes. */
  podImage: (name: string, reference: string) => PodImage;
  /** URL of the blog. */
  url: (service: BlogService, blog: Blog) => pulumi.Input<string>;
  /** The stack's outputs about the cluster. */
  outputs: Record<string, pulumi.Input<string> | undefined>;
}

/** A kind cluster and a registry that the stack creates. */
export function ownCluster(config: StackConfig): Place {
  const registry = new LocalRegistry("registry", {
    containerName: `${config.clusterName}-registry`,
    port: config.registryPort,
    image: config.registryImage,
    pulls: [config.mysqlImage, config.elasticsearchImage, config.kibanaImage, config.fluentdImage, config.baseImage],
  });
  // A recreated registry is empty.
  const inRegistry = { dependsOn: [registry], replacementTrigger: registry.identity };
  const images = ownImages(config, `${registry.address}/${config.blogImage}`, inRegistry);
  const cluster = new KindCluster("kind", { ...config, registry, firstImages: [images.blogImage.imageName] });
  return {
    inCluster: {
      providers: [cluster.provider],
      deletedWith: cluster.provider,
      // A killed run may have replaced only the provider. Then Pulumi sees no difference at the next run.
      replacementTrigger: cluster.identity,
    },
    ...images,
    podImage: (name, image) => {
      const copy = new MirroredImage(name, { image, registry });
      return { reference: copy.reference, dependsOn: [copy] };
    },
    url: () => blogUrl(config),
    outputs: { clusterName: cluster.clusterName, kubeconfig: cluster.kubeconfig },
  };
}

/** An existing cluster. Its nodes pull from the images' own registries. */
export function existingCluster(config: StackConfig): Place {
  const { provider } = new ExistingCluster("cluster", {
    kubeconfig: config.kubeconfig,
    context: config.kubeContext ?? "",
  });
  return {
    inCluster: { providers: [provider] },
    ...ownImages(config, config.blogImage),
    podImage: (_, reference) => ({ reference, dependsOn: [] }),
    url: (service, blog) => exposedUrl(config, service, blog, provider),
    outputs: { kubeContext: config.kubeContext },
  };
}

/** The images that the stack builds and pushes, with this name. */
function ownImages(config: StackConfig, image: string, opts?: pulumi.ComponentResourceOptions) {
  const { baseImage, imagePlatform: platform } = config;
  const args = { image, baseImage, platform, push: { registry: registryLogin(config) } };
  return { blogImage: new BlogImage("blog", args, opts), migrationImage: new MigrationImage("migration", args, opts) };
}

/** URL of the blog. A load balancer gets its address after its Service, so the program reads it once the blog runs. */
function exposedUrl(config: StackConfig, { service }: BlogService, blog: Blog, provider: k8s.Provider) {
  switch (config.expose) {
    case "NodePort":
      return `http://ADDRESS-OF-A-NODE:${String(config.nodePort)}`;
    case "Ingress":
      return `${config.ingressTlsSecret ? "https" : "http"}://${config.ingressHost ?? ""}`;
    case "LoadBalancer": {
      const { status } = k8s.core.v1.Service.get("blog-address", service.id, { provider, dependsOn: [blog] });
      return status.apply(({ loadBalancer }) => {
        // Despite its type, undefined until the address is known.
        const [address] = (loadBalancer.ingress as typeof loadBalancer.ingress | undefined) ?? [];
        return address ? `http://${address.hostname || address.ip}` : "http://ADDRESS-OF-THE-LOAD-BALANCER";
      });
    }
  }
}
