import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { secretFiles } from "./contract.ts";

/** What every pod of the program has in common: no credentials of the cluster, no variables named after Services. */
export const podDefaults = {
  automountServiceAccountToken: false,
  // A Service called mysql would set MYSQL_PORT to tcp://…, over the port that the blog expects there.
  enableServiceLinks: false,
} satisfies Partial<k8s.types.input.core.v1.PodSpec>;

/** A pod's security context under the Pod Security Standard "restricted", with the user that its image is made for. */
export function podSecurityContext(user: number): k8s.types.input.core.v1.PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    fsGroupChangePolicy: "OnRootMismatch",
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** A container's security context: nothing to gain, nothing to write but the volumes. */
export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} satisfies k8s.types.input.core.v1.SecurityContext;

/** A container's part of its node. Without a limit to its log and temporary files, one could fill the node's disk. */
export function containerResources(
  requests: Resources,
  limits: Resources,
): k8s.types.input.core.v1.ResourceRequirements {
  const quantities = ({ cpu, memory, disk }: Resources) => ({ cpu, memory, "ephemeral-storage": disk });
  return { requests: quantities(requests), limits: quantities(limits) };
}

interface Resources {
  cpu: string;
  memory: string;
  /** Of the node's disk, volumes not counted. */
  disk: string;
}

/** A volume with the keys of Secrets as files, for the pod's group to read. */
export function secretVolume(name: string, secretNames: pulumi.Input<string>[]): k8s.types.input.core.v1.Volume {
  return {
    name,
    projected: { defaultMode: 0o440, sources: secretNames.map((secretName) => ({ secret: { name: secretName } })) },
  };
}

/** `X_FILE` for each `X`: where the container finds the Secret's key X. */
export function secretFileVariables(keys: string[]): k8s.types.input.core.v1.EnvVar[] {
  return Object.entries(secretFiles(keys)).map(([name, value]) => ({ name, value }));
}

/** A variable with the value of a Secret's key, for an image that takes it no other way. */
export function secretVariable(
  name: string,
  secretName: pulumi.Input<string>,
  key: string,
): k8s.types.input.core.v1.EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secretName, key } } };
}

/** The part of a pod that lets its node pull images from a registry that wants a password; nothing without Secrets. */
export function pullSecrets(names: pulumi.Input<string>[]): Pick<k8s.types.input.core.v1.PodSpec, "imagePullSecrets"> {
  return names.length > 0 ? { imagePullSecrets: names.map((name) => ({ name })) } : {};
}
