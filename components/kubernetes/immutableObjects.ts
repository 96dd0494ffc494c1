import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

type Data = Record<string, pulumi.Input<string>>;

/** Namespace and labels. The object gets the name of the resource with a random suffix. */
interface Metadata {
  namespace: pulumi.Input<string>;
  labels: Record<string, string>;
}

/** A ConfigMap that is replaced when its content changes, so the pods that name it roll. */
export function immutableConfigMap(name: string, metadata: Metadata, data: Data, opts: pulumi.CustomResourceOptions) {
  return new k8s.core.v1.ConfigMap(name, { metadata, immutable: true, data }, opts);
}

/** A Secret that is replaced when its content changes, so the pods that name it roll. `type` defaults to Opaque. */
export function immutableSecret(
  name: string,
  metadata: Metadata,
  stringData: Data,
  opts: pulumi.CustomResourceOptions,
  type?: string,
) {
  return new k8s.core.v1.Secret(name, { metadata, immutable: true, stringData, ...(type && { type }) }, opts);
}
