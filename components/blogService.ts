import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { labels, selectorLabels } from "./labels.ts";
import { childOptions } from "./options.ts";

export interface BlogServiceArgs {
  /** Namespace of the Service. */
  namespace: pulumi.Input<string>;
  /** Port on every node, 30000 to 32767. */
  nodePort: pulumi.Input<number>;
}

/** Name of the blog's Service and Deployment. */
export const blogName = "koa-blog";

/** The NodePort Service of the blog: port 5000 inside the cluster, and the node port outside. */
export class BlogService extends pulumi.ComponentResource {
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: BlogServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogService", name, {}, opts);
    this.service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: {
          name: blogName,
          namespace: args.namespace,
          labels: labels(blogName),
          // The provider would wait for pods, which come later and wait for this (pulumi-kubernetes#1974).
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          type: "NodePort",
          // The port is published by the control-plane node, where no pod of the blog runs.
          externalTrafficPolicy: "Cluster",
          selector: selectorLabels(blogName),
          ports: [{ name: "http", port: 5000, targetPort: "http", nodePort: args.nodePort }],
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs({ service: this.service });
  }
}
