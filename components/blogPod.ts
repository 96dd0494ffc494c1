import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { BlogConfiguration } from "./blogConfiguration.ts";
import {
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  secretFileVariables,
  secretsFolder,
  secretVolume,
} from "./pods.ts";

// The user `node` of the base image.
const nodeUser = 1000;

/** What the pods of the blog's image share: its user and the Secrets that they mount as files. */
export function blogPod(secrets: k8s.core.v1.Secret[]) {
  return {
    ...podDefaults,
    securityContext: podSecurityContext(nodeUser),
    volumes: [
      secretVolume(
        "secrets",
        secrets.map((secret) => secret.metadata.name),
      ),
    ],
  } satisfies Partial<k8s.types.input.core.v1.PodSpec>;
}

/** A container of the blog's image that knows the database: the settings by variables, the credentials by files. */
export function blogContainer(name: string, image: pulumi.Input<string>, configuration: BlogConfiguration) {
  return {
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    envFrom: [
      { configMapRef: { name: configuration.database.metadata.name } },
      { configMapRef: { name: configuration.blog.metadata.name } },
    ],
    env: secretFileVariables(["MYSQL_USER", "MYSQL_PASSWORD"]),
    securityContext: containerSecurityContext,
    resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "1", memory: "384Mi" } },
    volumeMounts: [{ name: "secrets", mountPath: secretsFolder, readOnly: true }],
  } satisfies k8s.types.input.core.v1.Container;
}
