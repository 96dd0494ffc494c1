import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { blogContract } from "../kubernetes/contract.ts";
import { beforePods, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";

/** Settings that Pulumi.yaml describes. */
export type BlogServiceArgs = Pick<
  StackConfig,
  "namespace" | "expose" | "nodePort" | "ingressHost" | "ingressClass" | "ingressTlsSecret"
>;

/** Name of the blog's Service and Deployment. */
export const blogName = "koa-blog";

/** The blog's Service, and an Ingress if `expose` asks for one. */
export class BlogService extends pulumi.ComponentResource {
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: BlogServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogService", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { ...objectMetadata(blogName, args.namespace), annotations: beforePods };
    this.service = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata, spec: { ...serviceSpec(args), selector: selectorLabels(blogName) } },
      options,
    );
    if (args.expose === "Ingress") {
      new k8s.networking.v1.Ingress(
        `${name}-ingress`,
        { metadata, spec: ingressSpec(args) },
        childOptions(this, opts, this.service),
      );
    }
    this.registerOutputs({ service: this.service });
  }
}

function serviceSpec({ expose, nodePort }: BlogServiceArgs): k8s.types.input.core.v1.ServiceSpec {
  const port = { name: "http", port: blogContract.port, targetPort: "http" };
  switch (expose) {
    case "NodePort":
      return {
        type: "NodePort",
        // Nodes without a blog pod answer too. kind publishes the port on the control plane only.
        externalTrafficPolicy: "Cluster",
        ports: [{ ...port, nodePort }],
      };
    case "LoadBalancer":
      // Browsers use port 80 if a URL has no port.
      return { type: "LoadBalancer", ports: [{ ...port, port: 80 }] };
    case "Ingress":
      return { type: "ClusterIP", ports: [port] };
  }
}

function ingressSpec(args: BlogServiceArgs): k8s.types.input.networking.v1.IngressSpec {
  const { ingressHost: host = "", ingressClass, ingressTlsSecret: secretName } = args;
  const backend = { service: { name: blogName, port: { name: "http" } } };
  return {
    ...(ingressClass && { ingressClassName: ingressClass }),
    ...(secretName && { tls: [{ hosts: [host], secretName }] }),
    rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
  };
}
