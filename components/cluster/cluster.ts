import type * as pulumi from "@pulumi/pulumi";

import type { RegistryLogin } from "../kubernetes/imagePullSecret.ts";

/** What the other components need of a cluster. */
export interface Cluster {
  /** Options of each component in the cluster: its provider, and what its objects need so that they go with it. */
  readonly options: pulumi.ComponentResourceOptions;
  /** The registry from which the nodes pull the blog's image. */
  readonly registry: ClusterRegistry;
  /**
   * Makes a published image available to the nodes.
   *
   * @param name - name of the resource that does it
   * @param reference - such as `mysql:9.7.2`
   * @returns the reference for pods, once a node can pull it
   */
  image(name: string, reference: pulumi.Input<string>): pulumi.Output<string>;
}

export interface ClusterRegistry {
  /** Prefix of image names, such as `localhost:5001` or `registry.example.com/team`. */
  address: pulumi.Input<string>;
  /** Changes when the registry was recreated, and is empty. Undefined if that cannot be known. */
  id?: pulumi.Input<string> | undefined;
  /** Undefined means that `docker login` applies to pushes, and that nodes pull without a password. */
  login?: RegistryLogin | undefined;
}
