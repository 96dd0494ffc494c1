import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { childOptions } from "./childOptions.ts";
import { labels, type Metadata, selectorLabels } from "./labels.ts";
import { allow, networkPolicy } from "./networkPolicy.ts";

export interface SinglePodArgs {
  metadata: Metadata;
  /** Name of the port that clients use. */
  port: string;
  /** Label of the client pods, in the same namespace. */
  client: Record<string, string>;
  /** Size of the data volume, such as `1Gi`. */
  storage: pulumi.Input<string>;
  /** StorageClass of that volume. Defaults to the default class of the cluster. */
  storageClass?: string | undefined;
  /** The pod, without its volume `data`. */
  pod: Omit<k8s.types.input.core.v1.PodSpec, "volumes"> & { volumes?: k8s.types.input.core.v1.Volume[] };
  /** Resources that the pod needs. Defaults to none. */
  after?: pulumi.Resource[];
}

/**
 * A StatefulSet with one pod, a claim for the pod's volume `data`, and a NetworkPolicy that admits only clients.
 *
 * A StatefulSet's own claim templates are immutable, so a new size would replace the StatefulSet and keep the old
 * volume. This claim can grow if the StorageClass allows it.
 */
export function singlePod(
  parent: pulumi.ComponentResource,
  name: string,
  { metadata, port, client, pod, storage, storageClass, after = [] }: SinglePodArgs,
  opts: pulumi.ComponentResourceOptions,
): void {
  const options = childOptions(parent, opts);
  const policy = networkPolicy(`${name}-clients`, metadata, [allow(port, client)], options);
  const claim = new k8s.core.v1.PersistentVolumeClaim(
    `${name}-data`,
    {
      metadata: {
        ...metadata,
        // The name that a claim template of the StatefulSet would give it.
        name: `data-${metadata.name}-0`,
        // With volumeBindingMode WaitForFirstConsumer, the claim stays pending until the pod is scheduled.
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: {
        accessModes: ["ReadWriteOnce"],
        ...(storageClass && { storageClassName: storageClass }),
        resources: { requests: { storage } },
      },
    },
    {
      ...options,
      // Another class would replace the volume and lose its data.
      ignoreChanges: ["spec.storageClassName"],
      // The data remains after a change of mysqlHost. Deleting the namespace or the cluster deletes the data.
      retainOnDelete: true,
    },
  );
  const data = { name: "data", persistentVolumeClaim: { claimName: claim.metadata.name } };
  new k8s.apps.v1.StatefulSet(
    `${name}-statefulset`,
    {
      metadata,
      spec: {
        serviceName: metadata.name,
        replicas: 1,
        selector: { matchLabels: selectorLabels(metadata.name) },
        template: {
          metadata: { labels: labels(metadata.name) },
          spec: { ...pod, volumes: [data, ...(pod.volumes ?? [])] },
        },
      },
    },
    childOptions(parent, opts, ...after, policy, claim),
  );
}
