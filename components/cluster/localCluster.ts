import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { ClusterImage, KindCluster, type KindClusterArgs, type Registry } from "../kind/index.ts";
import type { Cluster, ClusterRegistry } from "./cluster.ts";

/** A kind cluster on this machine, with its registry and the provider for its objects. */
export class LocalCluster extends pulumi.ComponentResource implements Cluster {
  readonly options: pulumi.ComponentResourceOptions;
  readonly registry: ClusterRegistry;
  /** Kubeconfig of the cluster's administrator. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly #registry: pulumi.Output<Registry>;

  constructor(name: string, args: KindClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:LocalCluster", name, {}, opts);
    const kind = new KindCluster(`${name}-kind`, args, { parent: this });
    this.#registry = kind.registry;
    this.registry = { address: kind.registry.address, id: kind.registry.id };
    this.kubeconfig = kind.kubeconfig;
    const provider = new k8s.Provider(
      `${name}-provider`,
      {
        kubeconfig: kind.kubeconfig,
        // A recreated cluster replaces all its objects. A new kubeconfig of the same cluster does not.
        clusterIdentifier: kind.clusterId,
        // Takes over objects that a killed run left. No other stack uses this cluster.
        upsertExistingObjects: true,
        // Field managers have random names. Without force, server-side apply of such an object is a conflict.
        enablePatchForce: true,
        // After a kill, the state may have objects of a cluster that is gone. Without this, a refresh would fail.
        deleteUnreachable: true,
      },
      { parent: this },
    );
    this.options = {
      providers: [provider],
      transformations: [
        ({ type, props, opts: own }) => {
          if (!type.startsWith("kubernetes:")) return undefined;
          // The objects go with the cluster, so Pulumi deletes none of them one by one.
          const deletedWith = provider;
          // A killed run may have replaced only the provider. Then Pulumi sees no other difference at the next run.
          const replacementTrigger = kind.clusterId;
          return { props, opts: { ...own, deletedWith, replacementTrigger } };
        },
      ],
    };
    this.registerOutputs({ registry: this.registry, kubeconfig: this.kubeconfig });
  }

  image(name: string, reference: pulumi.Input<string>): pulumi.Output<string> {
    return new ClusterImage(name, { image: reference, registry: this.#registry }, { parent: this }).reference;
  }
}
