import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { contentHash } from "../images/contentHash.ts";
import { labels, mySqlClient, objectMetadata } from "../kubernetes/labels.ts";
import { networkPolicy } from "../kubernetes/networkPolicy.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogPod } from "./blogPod.ts";

export interface SchemaMigrationArgs {
  /** Name of the Job's namespace. */
  namespace: pulumi.Input<string>;
  /** Reference of the blog's image. */
  image: pulumi.Input<string>;
  configuration: BlogConfiguration;
}

const component = "koa-blog-migration";

/**
 * The Job that migrates the database, with the blog's image. Its name ends with a hash of `db/` and of the packages, so
 * it runs once for each of their versions. Pulumi waits until it is complete.
 */
export class SchemaMigration extends pulumi.ComponentResource {
  constructor(name: string, args: SchemaMigrationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:SchemaMigration", name, {}, opts);
    const { image, configuration } = args;
    const metadata = objectMetadata(component, args.namespace);
    // No client connects to the Job.
    const policy = networkPolicy(`${name}-network-policy`, metadata, [], { parent: this });
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        metadata: {
          ...metadata,
          name: `${component}-${contentHash(["db", "package-lock.json"])}`,
          // A Job that failed stays failed. Pulumi replaces it in the next run.
          annotations: { "pulumi.com/replaceUnready": "true" },
        },
        spec: {
          backoffLimit: 5,
          activeDeadlineSeconds: 600,
          template: {
            metadata: { labels: { ...labels(component), ...mySqlClient } },
            spec: {
              ...blogPod({
                image,
                configuration,
                container: { name: "migration", command: ["node", "service/migrate.ts"] },
              }),
              restartPolicy: "Never",
            },
          },
        },
      },
      {
        parent: this,
        dependsOn: [policy],
        // A change of service/ has nothing to migrate. A Job's image cannot change.
        ignoreChanges: ["spec.template.spec.containers[0].image"],
        // Longer than the Job's deadline, after which the Job has a reason. Pulumi's own is 10 minutes.
        customTimeouts: { create: "12m", update: "12m" },
      },
    );
    this.registerOutputs();
  }
}
