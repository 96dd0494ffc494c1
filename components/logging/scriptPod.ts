import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretMount,
  secretsFolder,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import type { LoggingPodArgs } from "./loggingPod.ts";

export interface ScriptPodArgs extends LoggingPodArgs {
  /** Image with a POSIX shell and curl 7.76 or later, such as Elasticsearch's. */
  image: pulumi.Input<string>;
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

/**
 * The pods of a Job that runs a script. The script may run again.
 *
 * @param files - ConfigMap with the script and the files that it sends
 */
export function scriptPod(
  script: string,
  { image, imagePullSecrets, url, client, secrets, variables }: ScriptPodArgs,
  files: k8s.core.v1.ConfigMap,
  labels: Record<string, string>,
): k8s.types.input.core.v1.PodTemplateSpec {
  return {
    metadata: { labels: { ...labels, ...client } },
    spec: {
      ...podDefaults(imageUser),
      ...(imagePullSecrets && { imagePullSecrets }),
      restartPolicy: "Never",
      containers: [
        {
          ...containerDefaults,
          name: script.replace(".sh", ""),
          image,
          command: ["sh", `/scripts/${script}`],
          env: Object.entries({ URL: url, SECRETS: secretsFolder, ...variables }).map(([variable, value]) => ({
            name: variable,
            value,
          })),
          resources: containerResources(
            { cpu: "50m", memory: "64Mi", disk: "16Mi" },
            { cpu: "1", memory: "64Mi", disk: "64Mi" },
          ),
          volumeMounts: [
            { name: "files", mountPath: "/scripts", readOnly: true },
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
  };
}
