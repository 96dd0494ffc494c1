import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { immutableConfigMap } from "../kubernetes/immutableObjects.ts";
import { labels } from "../kubernetes/labels.ts";
import { filesOf } from "./loggingPod.ts";
import { scriptPod, type ScriptPodArgs } from "./scriptPod.ts";

/** A CronJob that deletes the oldest logs if Elasticsearch's disk is almost full. */
export class DiskCleanup extends pulumi.ComponentResource {
  constructor(name: string, args: ScriptPodArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:DiskCleanup", name, {}, opts);
    const metadata = { namespace: args.namespace, labels: labels(name) };
    const files = immutableConfigMap(`${name}-files`, metadata, filesOf("elasticsearch"), { parent: this });
    new k8s.batch.v1.CronJob(
      `${name}-cron-job`,
      {
        metadata,
        spec: {
          schedule: "*/10 * * * *",
          concurrencyPolicy: "Forbid",
          // Without it, a cluster that was stopped for a day has missed too many runs, and never starts one again.
          startingDeadlineSeconds: 300,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 1,
          jobTemplate: {
            spec: {
              backoffLimit: 0,
              activeDeadlineSeconds: 540,
              template: scriptPod("free-disk.sh", args, files, labels(name)),
            },
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
