import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogPod } from "./blogPod.ts";
import { labels, mySqlClient, selectorLabels } from "./labels.ts";
import { childOptions, dependencies } from "./options.ts";

export interface SchemaMigrationArgs {
  /** Namespace of the Job. */
  namespace: pulumi.Input<string>;
  /** The blog's image: it brings the migrations. */
  image: pulumi.Input<string>;
  /** Tag of that image: each image migrates once. */
  tag: pulumi.Input<string>;
  /** ConfigMaps and Secrets that say where the database is. */
  configuration: BlogConfiguration;
}

const component = "koa-blog-migration";

/** The Job that brings the tables to the state that the blog's image expects. The program waits until it has. */
export class SchemaMigration extends pulumi.ComponentResource {
  readonly job: k8s.batch.v1.Job;

  constructor(name: string, args: SchemaMigrationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:SchemaMigration", name, {}, opts);
    const { database, databaseUser, imagePullSecrets } = args.configuration;
    const pod = blogPod(
      "migration",
      args.image,
      {
        configMaps: [database],
        secrets: [databaseUser],
        secretKeys: ["MYSQL_USER", "MYSQL_PASSWORD"],
        imagePullSecrets,
      },
      { command: ["node", "db/migrate.ts"] },
    );
    const networkPolicy = new k8s.networking.v1.NetworkPolicy(
      `${name}-job-clients`,
      {
        metadata: { name: component, namespace: args.namespace, labels: labels(component) },
        // None: nobody has to reach it.
        spec: { podSelector: { matchLabels: selectorLabels(component) }, policyTypes: ["Ingress"] },
      },
      childOptions(this, opts),
    );
    this.job = new k8s.batch.v1.Job(
      `${name}-job`,
      {
        metadata: {
          name: pulumi.interpolate`${component}-${args.tag}`,
          namespace: args.namespace,
          labels: labels(component),
        },
        spec: {
          backoffLimit: 5,
          activeDeadlineSeconds: 600,
          template: {
            metadata: { labels: { ...labels(component), ...mySqlClient } },
            spec: { ...pod, restartPolicy: "Never" },
          },
        },
      },
      { ...childOptions(this, opts), dependsOn: [...dependencies(opts), networkPolicy] },
    );
    this.registerOutputs({ job: this.job });
  }
}
