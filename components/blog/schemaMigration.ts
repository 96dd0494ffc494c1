import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { labels, mySqlClient, objectMetadata } from "../kubernetes/labels.ts";
import { networkPolicy } from "../kubernetes/networkPolicy.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogPod } from "./blogPod.ts";

/** Arguments of the components that run an image of the blog. */
export interface ReleaseArgs {
  namespace: pulumi.Input<string>;
  /** The image's reference, and its tag, which changes with the content. */
  image: { imageName: pulumi.Input<string>; tag: pulumi.Input<string> };
  configuration: BlogConfiguration;
}

const component = "koa-blog-migration";

/**
 * The Job that migrates the database. Its name ends with the image's tag, so each image migrates once. Pulumi waits
 * until it is complete.
 */
export class SchemaMigration extends pulumi.ComponentResource {
  constructor(name: string, args: ReleaseArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:SchemaMigration", name, {}, opts);
    const pod = blogPod("migration", args.image.imageName, args.configuration, { command: ["node", "db/migrate.ts"] });
    const metadata = objectMetadata(component, args.namespace);
    // No client connects to the Job.
    const policy = networkPolicy(`${name}-job-clients`, metadata, [], childOptions(this, opts));
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        metadata: { ...metadata, name: pulumi.interpolate`koa-blog-${args.image.tag}` },
        spec: {
          backoffLimit: 5,
          activeDeadlineSeconds: 600,
          template: {
            metadata: { labels: { ...labels(component), ...mySqlClient } },
            spec: { ...pod, restartPolicy: "Never" },
          },
        },
      },
      childOptions(this, opts, policy),
    );
    this.registerOutputs();
  }
}
