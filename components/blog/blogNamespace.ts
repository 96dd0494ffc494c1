import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { labels } from "../kubernetes/labels.ts";

export interface BlogNamespaceArgs {
  /** Name of the namespace. */
  namespace: pulumi.Input<string>;
}

/** Namespace of the blog and its database. It enforces the Pod Security Standard "restricted". */
export class BlogNamespace extends pulumi.ComponentResource {
  constructor(name: string, args: BlogNamespaceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogNamespace", name, {}, opts);
    new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          labels: { ...labels("koa-blog"), "pod-security.kubernetes.io/enforce": "restricted" },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs();
  }
}
