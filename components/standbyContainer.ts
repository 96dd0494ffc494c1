import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { containerResources, containerSecurityContext } from "./pods.ts";

/**
 * The second container of the blog's pods, with the blog's image: it holds the port while the server in the first one is dead, until
 * the Service has forgotten the pod. See `service/standby.ts`. It gets no secret.
 *
 * @param settings - the ConfigMap that has its LOG_LEVEL
 */
export function standbyContainer(
  image: pulumi.Input<string>,
  settings: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.Container {
  return {
    name: "standby",
    image,
    imagePullPolicy: "IfNotPresent",
    command: ["node", "service/standby.ts"],
    envFrom: [{ configMapRef: { name: settings.metadata.name } }],
    securityContext: containerSecurityContext,
    resources: containerResources(
      { cpu: "1m", memory: "64Mi", disk: "16Mi" },
      { cpu: "500m", memory: "128Mi", disk: "64Mi" },
    ),
  };
}
