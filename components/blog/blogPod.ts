import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { blogContract } from "../kubernetes/contract.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";

/**
 * A pod with one container of the blog's image. Its objects get new names when their content changes, so the pods roll.
 *
 * @param extra - further fields of the container
 * @param own - objects that only the blog reads, and not the migration
 */
export function blogPod(
  name: string,
  image: pulumi.Input<string>,
  { database, databaseFiles, databaseUser, imagePullSecrets }: BlogConfiguration,
  extra: Partial<k8s.types.input.core.v1.Container>,
  own?: Pick<BlogConfiguration, "settings" | "session">,
) {
  const configMaps = [database, ...(own ? [own.settings] : [])];
  const secrets = [databaseUser, ...(own ? [own.session] : [])];
  const secretKeys = ["MYSQL_USER", "MYSQL_PASSWORD", ...(own ? ["SESSION_KEYS"] : [])];
  return {
    ...podDefaults(blogContract.user),
    ...(imagePullSecrets && { imagePullSecrets }),
    containers: [
      {
        ...containerDefaults,
        name,
        image,
        envFrom: configMaps.map(({ metadata }) => ({ configMapRef: { name: metadata.name } })),
        env: secretFileVariables([...secretKeys, ...(databaseFiles?.keys ?? [])]),
        resources: containerResources(
          { cpu: "50m", memory: "128Mi", disk: "64Mi" },
          // One CPU for requests, one for password hashing. With less, the kernel throttles both.
          { cpu: "2", memory: `${String(blogContract.memoryMebibytes)}Mi`, disk: "512Mi" },
        ),
        volumeMounts: [secretMount],
        ...extra,
      },
    ],
    volumes: [secretVolume(secrets, databaseFiles && [databaseFiles.configMap])],
  } satisfies k8s.types.input.core.v1.PodSpec;
}
