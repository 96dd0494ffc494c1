import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { labels } from "./labels.ts";
import { childOptions } from "./options.ts";

export interface BlogNamespaceArgs {
  /** Name of the namespace. */
  namespace: pulumi.Input<string>;
}

/** The namespace of the blog and its database, closed to pods that do not keep the Pod Security Standard "restricted". */
export class BlogNamespace extends pulumi.ComponentResource {
  readonly namespace: k8s.core.v1.Namespace;

  constructor(name: string, args: BlogNamespaceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:BlogNamespace", name, {}, opts);
    this.namespace = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          labels: { ...labels("koa-blog"), "pod-security.kubernetes.io/enforce": "restricted" },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs({ namespace: this.namespace });
  }
}
