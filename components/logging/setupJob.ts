import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { immutableConfigMap } from "../kubernetes/immutableObjects.ts";
import { labels } from "../kubernetes/labels.ts";
import { filesOf } from "./loggingPod.ts";
import { scriptPod, type ScriptPodArgs } from "./scriptPod.ts";

export interface SetupJobArgs extends ScriptPodArgs {
  /** Folder below `logging/` with `setup.sh` and the files that it sends. */
  folder: "elasticsearch" | "kibana";
}

/** A Job that runs a `setup.sh`. The script may run again. Pulumi waits until the Job is complete. */
export class SetupJob extends pulumi.ComponentResource {
  constructor(name: string, args: SetupJobArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:SetupJob", name, {}, opts);
    const metadata = { namespace: args.namespace, labels: labels(name) };
    const files = immutableConfigMap(`${name}-files`, metadata, filesOf(args.folder), { parent: this });
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        // Without the annotation, a Job that failed once would fail in every later deployment.
        metadata: { ...metadata, annotations: { "pulumi.com/replaceUnready": "true" } },
        spec: {
          // Two attempts of up to three minutes each end before the deadline, which would delete the pods' logs.
          backoffLimit: 1,
          activeDeadlineSeconds: 900,
          template: scriptPod("setup.sh", args, files, labels(name)),
        },
      },
      // By default, the provider waits for ten minutes.
      { parent: this, customTimeouts: { create: "16m", update: "16m" } },
    );
    this.registerOutputs();
  }
}
