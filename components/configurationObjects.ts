import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { labels } from "./labels.ts";
import { childOptions } from "./options.ts";

/**
 * Makers of a component's ConfigMaps, Secrets and generated passwords.
 *
 * The objects' names end in a hash that Pulumi makes anew when the content changes: the pods that read them roll, and the
 * old content stays until they have.
 */
export function configurationObjects(
  parent: pulumi.ComponentResource,
  name: string,
  namespace: pulumi.Input<string>,
  opts: pulumi.ComponentResourceOptions,
) {
  const options = childOptions(parent, opts);
  const metadata = (component: string) => ({ namespace, labels: labels(component) });
  return {
    configMap: (suffix: string, component: string, data: Record<string, pulumi.Input<string>>) =>
      new k8s.core.v1.ConfigMap(`${name}-${suffix}`, { metadata: metadata(component), immutable: true, data }, options),
    secret: (suffix: string, component: string, stringData: Record<string, pulumi.Input<string>>) =>
      new k8s.core.v1.Secret(
        `${name}-${suffix}`,
        { metadata: metadata(component), immutable: true, stringData },
        options,
      ),
    // No special characters: a generated password goes into any shell, URL or client as it is.
    generatedPassword: (suffix: string, length = 32) =>
      new random.RandomPassword(`${name}-${suffix}`, { length, special: false }, { parent }).result,
  };
}
