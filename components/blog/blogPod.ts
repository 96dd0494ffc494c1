import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogContainer } from "./containerSettings.ts";

export interface BlogPodArgs {
  /** Reference of the blog's image. */
  image: pulumi.Input<string>;
  configuration: BlogConfiguration;
  /** ConfigMaps next to the database's address. */
  configMaps?: k8s.core.v1.ConfigMap[];
  /** Secrets next to the database's user, and their keys. */
  secrets?: { secret: k8s.core.v1.Secret; keys: string[] }[];
  /** The container's name and command, probes and so on. */
  container: Partial<k8s.types.input.core.v1.Container> & { name: string };
}

/** A pod with one container of the blog's image. */
export function blogPod({ image, configuration, configMaps = [], secrets = [], container }: BlogPodArgs) {
  const { database, databaseUser, databaseUserKeys, imagePullSecrets } = configuration;
  return {
    ...podDefaults(blogContainer.user),
    imagePullSecrets,
    containers: [
      {
        ...containerDefaults,
        image,
        envFrom: [database, ...configMaps].map(({ metadata }) => ({ configMapRef: { name: metadata.name } })),
        env: secretFileVariables([...databaseUserKeys, ...secrets.flatMap(({ keys }) => keys)]),
        resources: containerResources(
          // The autoscaler compares the use with the request. A quarter of a CPU serves some hundred requests a second.
          { cpu: "250m", memory: "128Mi", disk: "64Mi" },
          // One CPU for requests, one for password hashing. With less, the kernel throttles both.
          { cpu: "2", memory: `${String(blogContainer.memoryMebibytes)}Mi`, disk: "512Mi" },
        ),
        volumeMounts: [secretMount],
        ...container,
      },
    ],
    volumes: [secretVolume([databaseUser, ...secrets.map(({ secret }) => secret)])],
  } satisfies k8s.types.input.core.v1.PodSpec;
}
