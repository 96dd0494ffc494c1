import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { immutableConfigMap } from "../kubernetes/immutableObjects.ts";
import { labels } from "../kubernetes/labels.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretMount,
  secretsFolder,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import { filesOf, type LoggingPodArgs } from "./loggingPod.ts";

export interface SetupJobArgs extends LoggingPodArgs {
  /** Image with a POSIX shell and curl 7.76 or later, such as Elasticsearch's. */
  image: pulumi.Input<string>;
  /** Folder below `logging/` with `setup.sh` and the files that it sends. */
  folder: "elasticsearch" | "kibana";
  /** Base URL that the script sends to. */
  url: pulumi.Input<string>;
  /** Label of the pods that may connect to it. */
  client: Record<string, string>;
  /** Secrets with the passwords that the script reads. */
  secrets: k8s.core.v1.Secret[];
  /** Other variables of the script. Defaults to none. */
  variables?: Record<string, pulumi.Input<string>> | undefined;
}

/** The user `elasticsearch` of the image. */
const imageUser = 1000;

/** A Job that runs a `setup.sh`. The script may run again. Pulumi waits until the Job is complete. */
export class SetupJob extends pulumi.ComponentResource {
  constructor(name: string, args: SetupJobArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:SetupJob", name, {}, opts);
    const { namespace, image, imagePullSecrets, folder, url, client, secrets, variables } = args;
    const metadata = { namespace, labels: labels(name) };
    const files = immutableConfigMap(`${name}-files`, metadata, filesOf(folder), { parent: this });
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        // Without the annotation, a Job that failed once would fail in every later deployment.
        metadata: { ...metadata, annotations: { "pulumi.com/replaceUnready": "true" } },
        spec: {
          // Two attempts of up to three minutes each end before the deadline, which would delete the pods' logs.
          backoffLimit: 1,
          activeDeadlineSeconds: 900,
          template: {
            metadata: { labels: { ...labels(name), ...client } },
            spec: {
              ...podDefaults(imageUser),
              ...(imagePullSecrets && { imagePullSecrets }),
              restartPolicy: "Never",
              containers: [
                {
                  ...containerDefaults,
                  name: "setup",
                  image,
                  command: ["sh", "/setup/setup.sh"],
                  env: Object.entries({ URL: url, SECRETS: secretsFolder, ...variables }).map(([variable, value]) => ({
                    name: variable,
                    value,
                  })),
                  resources: containerResources(
                    { cpu: "50m", memory: "64Mi", disk: "16Mi" },
                    { cpu: "1", memory: "64Mi", disk: "64Mi" },
                  ),
                  volumeMounts: [
                    { name: "files", mountPath: "/setup", readOnly: true },
                    secretMount,
                    { name: "tmp", mountPath: "/tmp" },
                  ],
                },
              ],
              volumes: [
                { name: "files", configMap: { name: files.metadata.name } },
                secretVolume(secrets),
                // The script writes the login for curl here.
                { name: "tmp", emptyDir: { medium: "Memory" } },
              ],
            },
          },
        },
      },
      // By default, the provider waits for ten minutes.
      { parent: this, customTimeouts: { create: "16m", update: "16m" } },
    );
    this.registerOutputs();
  }
}
