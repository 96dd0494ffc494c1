import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { labels } from "../kubernetes/labels.ts";

export interface BlogNamespaceArgs {
  /** Name of the namespace. */
  name: pulumi.Input<string>;
}

/** Namespace of the blog and its database. It enforces the Pod Security Standard "restricted". */
export class BlogNamespace extends pulumi.ComponentResource {
  constructor(name: string, args: BlogNamespaceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:BlogNamespace", name, {}, opts);
    new k8s.core.v1.Namespace(
      `${name}-object`,
      {
        metadata: {
          name: args.name,
          labels: { ...labels("koa-blog"), "pod-security.kubernetes.io/enforce": "restricted" },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
