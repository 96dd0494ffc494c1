import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { objectMetadata, selectorLabels, skipAwait } from "../kubernetes/labels.ts";
import { blogContainer } from "./containerSettings.ts";

/** How clients outside the cluster reach the blog. */
export type Exposure =
  | {
      type: "NodePort";
      /** Port of each node, 30000 to 32767. */
      nodePort: pulumi.Input<number>;
      /** URL of the blog. Defaults to a text that says which address is missing. */
      url?: pulumi.Input<string> | undefined;
    }
  | { type: "LoadBalancer" }
  | {
      type: "Ingress";
      /** Host name of the blog for browsers. */
      host: pulumi.Input<string>;
      /** Name of a `kubernetes.io/tls` Secret in the namespace. Defaults to plain HTTP. */
      tlsSecret?: pulumi.Input<string> | undefined;
      /** Annotations of the Ingress, such as for cert-manager. Defaults to none. */
      annotations?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
    };

export interface BlogServiceArgs {
  /** Namespace of the Service. */
  namespace: pulumi.Input<string>;
  /** How clients outside the cluster reach the blog. */
  expose: Exposure;
}

/** Name of the Service, and of the Deployment behind it. */
export const blogName = "koa-blog";

/** The blog's Service, and an Ingress if `expose` asks for one. */
export class BlogService extends pulumi.ComponentResource {
  /** URL of the blog. A load balancer's address is known at the first `pulumi up --refresh` after it got one. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, { namespace, expose }: BlogServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:BlogService", name, {}, opts);
    const metadata = { ...objectMetadata(blogName, namespace), annotations: skipAwait };
    const service = new k8s.core.v1.Service(
      `${name}-object`,
      { metadata, spec: { ...serviceSpec(expose), selector: selectorLabels(blogName) } },
      { parent: this },
    );
    if (expose.type === "Ingress") {
      new k8s.networking.v1.Ingress(
        `${name}-ingress`,
        {
          metadata: {
            ...metadata,
            annotations: pulumi.output(expose.annotations).apply((own) => ({ ...skipAwait, ...own })),
          },
          spec: ingressSpec(expose),
        },
        { parent: this, dependsOn: [service] },
      );
    }
    this.url = urlOf(expose, service);
    this.registerOutputs({ url: this.url });
  }
}

function serviceSpec(expose: Exposure): k8s.types.input.core.v1.ServiceSpec {
  const port = { name: "http", port: blogContainer.port, targetPort: "http" };
  switch (expose.type) {
    case "NodePort":
      return {
        type: "NodePort",
        // Nodes without a blog pod answer too. kind publishes the port on the control plane only.
        externalTrafficPolicy: "Cluster",
        ports: [{ ...port, nodePort: expose.nodePort }],
      };
    case "LoadBalancer":
      return {
        type: "LoadBalancer",
        // The blog sees the IP addresses of clients. With Cluster, it would see those of nodes.
        externalTrafficPolicy: "Local",
        // Browsers use port 80 if a URL has no port.
        ports: [{ ...port, port: 80 }],
      };
    case "Ingress":
      return { type: "ClusterIP", ports: [port] };
  }
}

type IngressExposure = Extract<Exposure, { type: "Ingress" }>;

function ingressSpec({ host, tlsSecret }: IngressExposure): k8s.types.input.networking.v1.IngressSpec {
  const backend = { service: { name: blogName, port: { name: "http" } } };
  return {
    ...(tlsSecret !== undefined && { tls: [{ hosts: [host], secretName: tlsSecret }] }),
    rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
  };
}

function urlOf(expose: Exposure, service: k8s.core.v1.Service): pulumi.Output<string> {
  switch (expose.type) {
    case "NodePort":
      return pulumi.output(expose.url ?? pulumi.interpolate`http://ADDRESS-OF-A-NODE:${expose.nodePort}`);
    case "Ingress":
      return pulumi.interpolate`${expose.tlsSecret === undefined ? "http" : "https"}://${expose.host}`;
    case "LoadBalancer":
      return service.status.apply(({ loadBalancer }) => {
        // Despite its type, undefined until the address is known.
        const [address] = (loadBalancer.ingress as typeof loadBalancer.ingress | undefined) ?? [];
        return address ? `http://${address.hostname || address.ip}` : "http://ADDRESS-OF-THE-LOAD-BALANCER";
      });
  }
}
