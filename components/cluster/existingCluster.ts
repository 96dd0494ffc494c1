import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { Cluster, ClusterRegistry } from "./cluster.ts";

export interface ExistingClusterArgs {
  /**
   * Context of the kubeconfig, which is `KUBECONFIG` or `~/.kube/config`. No default, because other programs change the
   * current context.
   */
  context: pulumi.Input<string>;
  /** The registry from which the nodes pull. */
  registry: ClusterRegistry;
}

/** A cluster that the stack does not create. Its nodes pull published images from the images' own registries. */
export class ExistingCluster extends pulumi.ComponentResource implements Cluster {
  readonly options: pulumi.ComponentResourceOptions;
  readonly registry: ClusterRegistry;

  constructor(name: string, args: ExistingClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:ExistingCluster", name, {}, opts);
    this.registry = args.registry;
    // The address of a cluster may change, such as minikube's at each start. The UID of this namespace does not.
    // https://opentelemetry.io/docs/specs/semconv/resource/k8s/#cluster
    const reader = new k8s.Provider(`${name}-reader`, { context: args.context }, { parent: this });
    const { metadata } = k8s.core.v1.Namespace.get(`${name}-system`, "kube-system", { parent: this, provider: reader });
    const provider = new k8s.Provider(
      `${name}-provider`,
      { context: args.context, clusterIdentifier: metadata.uid },
      { parent: this },
    );
    this.options = { providers: [provider] };
    this.registerOutputs({ registry: this.registry });
  }

  image(_name: string, reference: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.output(reference);
  }
}
