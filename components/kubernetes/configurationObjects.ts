import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { childOptions } from "./childOptions.ts";
import { generatedPassword } from "./generatedPassword.ts";
import { labels } from "./labels.ts";

type Data = Record<string, pulumi.Input<string>>;

/**
 * Functions that create a component's ConfigMaps, Secrets and generated passwords.
 *
 * The objects are immutable, and Pulumi appends a random suffix to their names. New content means a new object, so the
 * pods roll. The old object is deleted after the rollout.
 */
export function configurationObjects(
  parent: pulumi.ComponentResource,
  name: string,
  namespace: pulumi.Input<string>,
  opts: pulumi.ComponentResourceOptions,
) {
  const options = childOptions(parent, opts);
  const object = (component: string) => ({ metadata: { namespace, labels: labels(component) }, immutable: true });
  return {
    configMap: (suffix: string, component: string, data: Data) =>
      new k8s.core.v1.ConfigMap(`${name}-${suffix}`, { ...object(component), data }, options),
    secret: (suffix: string, component: string, stringData: Data, type?: string) =>
      new k8s.core.v1.Secret(
        `${name}-${suffix}`,
        { ...object(component), stringData, ...(type !== undefined && { type }) },
        options,
      ),
    generatedPassword: (suffix: string, length?: number) => generatedPassword(`${name}-${suffix}`, { parent }, length),
  };
}
