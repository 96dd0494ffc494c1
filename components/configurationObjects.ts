import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { labels } from "./labels.ts";
import { childOptions } from "./options.ts";
import { generatedPassword } from "./passwords.ts";

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
    /** A Secret with which nodes log in to a registry. */
    registrySecret: (suffix: string, component: string, dockerConfig: pulumi.Input<string>) =>
      new k8s.core.v1.Secret(
        `${name}-${suffix}`,
        {
          metadata: metadata(component),
          immutable: true,
          type: "kubernetes.io/dockerconfigjson",
          stringData: { ".dockerconfigjson": dockerConfig },
        },
        options,
      ),
    generatedPassword: (suffix: string, length?: number) => generatedPassword(`${name}-${suffix}`, parent, length),
  };
}
