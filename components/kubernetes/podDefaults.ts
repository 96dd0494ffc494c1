import type * as k8s from "@pulumi/kubernetes";

/** Folder of the secrets' files in containers. */
export const secretsFolder = "/run/secrets/koa-blog";

/** Settings of a pod under the Pod Security Standard "restricted", with the user of its image. */
export function podDefaults(user: number) {
  return {
    automountServiceAccountToken: false,
    // A Service named mysql would set MYSQL_PORT to tcp://…, and the blog expects a number.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
  } satisfies Partial<k8s.types.input.core.v1.PodSpec>;
}

/** Settings of all containers. They can write to their volumes only. */
export const containerDefaults = {
  imagePullPolicy: "IfNotPresent",
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
} satisfies Partial<k8s.types.input.core.v1.Container>;

interface Resources {
  cpu: string;
  memory: string;
  /** Ephemeral storage: logs, the writable layer and emptyDir volumes. */
  disk: string;
}

/** Resources of a container. Without a limit of ephemeral storage, one container could fill the node's disk. */
export function containerResources(requests: Resources, limits: Resources) {
  const quantities = ({ cpu, memory, disk }: Resources) => ({ cpu, memory, "ephemeral-storage": disk });
  return { requests: quantities(requests), limits: quantities(limits) };
}

/** Volume with the keys of Secrets as files, readable by the pod's group. */
export function secretVolume(secrets: k8s.core.v1.Secret[]) {
  const sources = secrets.map(({ metadata: { name } }) => ({ secret: { name } }));
  return { name: "secrets", projected: { defaultMode: 0o440, sources } };
}

/** Mount of the {@link secretVolume}. */
export const secretMount = { name: "secrets", mountPath: secretsFolder, readOnly: true };

/** `X_FILE` for each key `X` of the mounted Secrets, with the path of its file. */
export function secretFileVariables(keys: string[]): k8s.types.input.core.v1.EnvVar[] {
  return keys.map((key) => ({ name: `${key}_FILE`, value: `${secretsFolder}/${key}` }));
}

/** A variable with the value of a Secret's key, for an image that cannot read the Secret from a file. */
export function secretVariable(name: string, { metadata }: k8s.core.v1.Secret, key = name) {
  return { name, valueFrom: { secretKeyRef: { name: metadata.name, key } } };
}
