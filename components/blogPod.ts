import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { blogContract, secretsFolder } from "./contract.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  pullSecrets,
  secretFileVariables,
  secretVolume,
} from "./pods.ts";

/** What a pod of the blog's image reads; it rolls when one of them changes. */
export interface BlogPodSources {
  /** ConfigMaps whose keys become variables. */
  configMaps: k8s.core.v1.ConfigMap[];
  /** Secrets whose keys become files. */
  secrets: k8s.core.v1.Secret[];
  /** The keys of those Secrets that the blog reads. */
  secretKeys: string[];
  /** Names of Secrets that let the nodes pull the image. */
  imagePullSecrets: pulumi.Input<string>[];
}

/** A pod of one container of the blog's image. What the caller adds to the container goes into `extra`. */
export function blogPod(
  name: string,
  image: pulumi.Input<string>,
  { configMaps, secrets, secretKeys, imagePullSecrets }: BlogPodSources,
  extra: Partial<k8s.types.input.core.v1.Container>,
) {
  return {
    ...podDefaults,
    ...pullSecrets(imagePullSecrets),
    securityContext: podSecurityContext(blogContract.user),
    containers: [
      {
        name,
        image,
        imagePullPolicy: "IfNotPresent",
        envFrom: configMaps.map(({ metadata }) => ({ configMapRef: { name: metadata.name } })),
        env: secretFileVariables(secretKeys),
        securityContext: containerSecurityContext,
        resources: containerResources(
          { cpu: "50m", memory: "128Mi", disk: "64Mi" },
          // One for what answers, one for a password's hash: at the limit, both would stop for the rest of a tenth of a second.
          { cpu: "2", memory: `${String(blogContract.memoryMebibytes)}Mi`, disk: "512Mi" },
        ),
        volumeMounts: [{ name: "secrets", mountPath: secretsFolder, readOnly: true }],
        ...extra,
      },
    ],
    volumes: [
      secretVolume(
        "secrets",
        secrets.map(({ metadata }) => metadata.name),
      ),
    ],
  } satisfies k8s.types.input.core.v1.PodSpec;
}
