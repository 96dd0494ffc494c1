import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { blogContract } from "./contract.ts";
import { beforePods, labels, selectorLabels } from "./labels.ts";
import { childOptions } from "./options.ts";

export interface BlogServiceArgs {
  /** Namespace of the Service. */
  namespace: pulumi.Input<string>;
  /** How the blog is reached from outside the cluster. */
  exposure: Exposure;
}

/** How a Service is reached from outside the cluster. */
export type Exposure =
  | {
      type: "NodePort";
      /** Port on every node, 30000 to 32767. */
      nodePort: number;
    }
  | { type: "LoadBalancer" }
  | {
      type: "Ingress";
      /** Name by which browsers reach the blog. */
      host: string;
      /** IngressClass. Undefined for the cluster's default. */
      ingressClass?: string | undefined;
      /** Secret with the certificate, in the blog's namespace. Undefined for plain http. */
      tlsSecret?: string | undefined;
    };

/** Name of the blog's Service and Deployment. */
export const blogName = "koa-blog";

/** The port of a LoadBalancer is what browsers see. */
const loadBalancerPort = 80;

/** The Service of the blog, port 5000 inside the cluster, and the Ingress in front of it, if it is reached by one. */
export class BlogService extends pulumi.ComponentResource {
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: BlogServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogService", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = {
      name: blogName,
      namespace: args.namespace,
      labels: labels(blogName),
      annotations: beforePods,
    };
    this.service = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata, spec: { ...serviceSpec(args.exposure), selector: selectorLabels(blogName) } },
      options,
    );
    if (args.exposure.type === "Ingress") {
      new k8s.networking.v1.Ingress(
        `${name}-ingress`,
        { metadata, spec: ingressSpec(args.exposure) },
        { ...options, dependsOn: [this.service] },
      );
    }
    this.registerOutputs({ service: this.service });
  }
}

function serviceSpec(exposure: Exposure): k8s.types.input.core.v1.ServiceSpec {
  const port = { name: "http", port: blogContract.port, targetPort: "http" };
  switch (exposure.type) {
    case "NodePort":
      return {
        type: "NodePort",
        // Any node answers, also one without a pod of the blog, such as kind's control plane, which publishes the port.
        externalTrafficPolicy: "Cluster",
        ports: [{ ...port, nodePort: exposure.nodePort }],
      };
    case "LoadBalancer":
      return { type: "LoadBalancer", ports: [{ ...port, port: loadBalancerPort }] };
    case "Ingress":
      return { type: "ClusterIP", ports: [port] };
  }
}

function ingressSpec(exposure: Extract<Exposure, { type: "Ingress" }>): k8s.types.input.networking.v1.IngressSpec {
  const { host, ingressClass, tlsSecret } = exposure;
  const backend = { service: { name: blogName, port: { name: "http" } } };
  return {
    ...(ingressClass && { ingressClassName: ingressClass }),
    ...(tlsSecret && { tls: [{ hosts: [host], secretName: tlsSecret }] }),
    rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
  };
}
