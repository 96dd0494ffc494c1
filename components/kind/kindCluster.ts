import { createHash } from "node:crypto";

import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { kindConfig, type PortMapping } from "./kindConfig";
import { readScript, shellScripts } from "./shellScripts";

export interface KindClusterArgs {
  /**
   * Name of the cluster. kind names the nodes NAME-control-plane, NAME-worker, NAME-worker2 and so on. The registry is
   * NAME-registry. Defaults to the name of the resource. A change recreates the cluster.
   */
  name?: pulumi.Input<string>;
  /** Number of worker nodes next to the one control-plane node. Defaults to 0. A change recreates the cluster. */
  workers?: pulumi.Input<number>;
  /**
   * Image of the nodes, which sets the Kubernetes version, such as `kindest/node:v1.36.4@sha256:…`. Defaults to the
   * image that kind was released with. A change recreates the cluster.
   */
  nodeImage?: pulumi.Input<string>;
  /** Ports of the control-plane node that the host publishes. Defaults to none. A change recreates the cluster. */
  portMappings?: pulumi.Input<pulumi.Input<PortMapping>[]>;
  /**
   * Fields of kind's configuration, such as `{ networking: { ipFamily: "dual" } }`. Each one replaces the field that
   * this component would write: https://kind.sigs.k8s.io/docs/user/configuration/. Defaults to none. A change recreates
   * the cluster.
   */
  // The schema generator knows no `unknown`.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  configPatch?: pulumi.Input<Record<string, any>>;
  /**
   * Port of 127.0.0.1 on which the registry listens. 0 means no registry. Defaults to 5001. A change recreates the
   * registry, without images that were pushed by hand.
   */
  registryPort?: number;
  /**
   * Image of the registry. Defaults to `registry:3.1.0`. A change recreates the registry, without images that were
   * pushed by hand.
   */
  registryImage?: pulumi.Input<string>;
}

/** A registry from which the nodes of a cluster pull. */
export interface Registry {
  /** Prefix of its images, on the host and in pods, such as `localhost:5001`. */
  address: string;
  /** Changes when the registry was recreated, and is empty. */
  id: string;
}

/**
 * A kind cluster in the local Docker engine, with a registry from which its nodes pull. It needs the programs `docker`
 * and `kind` on PATH.
 *
 * A cluster that was deleted by hand is recreated by the next `pulumi up`. A cluster that this stack did not create is
 * never deleted.
 */
export class KindCluster extends pulumi.ComponentResource {
  /** Name of the cluster, once the cluster exists. */
  readonly name: pulumi.Output<string>;
  /** Kubeconfig of the cluster's administrator, for this machine. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** Changes only when the cluster was recreated. Use it as the `clusterIdentifier` of a Kubernetes provider. */
  readonly clusterId: pulumi.Output<string>;
  /** The registry. Its address is empty if `registryPort` is 0. */
  readonly registry: pulumi.Output<Registry>;

  constructor(name: string, args: KindClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("kind-cluster:index:KindCluster", name, {}, opts);
    const { registryPort = 5001, registryImage = "registry:3.1.0" } = args;
    const clusterName = pulumi.output(args.name ?? name);
    const registryName = pulumi.interpolate`${clusterName}-registry`;
    // Another stack must not delete what this stack created.
    const owner = `${pulumi.getProject()}/${pulumi.getStack()}`;

    let registry: command.local.Command | undefined;
    if (registryPort !== 0) {
      const token = readToken(this, "readRegistryToken.sh", { REGISTRY: registryName, OWNER: owner });
      registry = new command.local.Command(
        `${name}-registry`,
        {
          ...shellScripts(
            { create: "createRegistry.sh", delete: "deleteRegistry.sh" },
            { REGISTRY: registryName, IMAGE: registryImage, PORT: String(registryPort), OWNER: owner, TOKEN: token },
          ),
          // Any other change is an update, which runs createRegistry.sh again. A replacement would first delete all
          // that depends on the registry, the pods included.
          triggers: [registryName],
        },
        // Two containers cannot have the same port.
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registry = pulumi.output(
      registry ? { address: `localhost:${String(registryPort)}`, id: registry.stdout } : { address: "", id: "" },
    );

    const config = pulumi.output(args).apply(kindConfig);
    const environment = { CLUSTER: clusterName, OWNER: owner };
    const token = readToken(this, "readClusterToken.sh", environment);
    const cluster = new command.local.Command(
      `${name}-cluster`,
      {
        ...shellScripts({ create: "createCluster.sh", delete: "deleteCluster.sh" }, { ...environment, TOKEN: token }),
        update: pulumi.interpolate`kind get kubeconfig --name ${clusterName}`,
        stdin: config,
        triggers: [token, clusterName, config],
      },
      {
        parent: this,
        // createRegistry.sh creates the network of the nodes.
        dependsOn: registry ? [registry] : [],
        // Two clusters cannot have the same name or ports.
        deleteBeforeReplace: true,
        additionalSecretOutputs: ["stdout"],
      },
    );
    const configured = new command.local.Command(
      `${name}-configuration`,
      {
        ...shellScripts(
          { create: "configureCluster.sh" },
          { ...environment, ...(registry && { REGISTRY: registryName, PORT: String(registryPort) }) },
        ),
        triggers: [cluster.id],
      },
      { parent: this, dependsOn: [cluster] },
    );
    // Pods need the registry's address in their nodes.
    const ready = <T>(value: pulumi.Output<T>) => pulumi.all([value, configured.id]).apply(([known]) => known);
    this.name = ready(clusterName);
    this.kubeconfig = pulumi.secret(ready(cluster.stdout));
    // Not the id of the command: that is unknown while the cluster is replaced, and Pulumi would delete a Kubernetes
    // provider before its objects. After a kill, the state then names a provider that it does not have.
    this.clusterId = pulumi.all([token, config]).apply((parts) => hash(parts.join("\n")));
    this.registerOutputs({
      name: this.name,
      kubeconfig: this.kubeconfig,
      clusterId: this.clusterId,
      registry: this.registry,
    });
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Reads the token of a cluster or registry at every run and preview. The token was written when the cluster or registry
 * was complete. If that was deleted, the output is a new token for the replacement.
 */
function readToken(
  parent: pulumi.ComponentResource,
  script: string,
  environment: Record<string, pulumi.Input<string>>,
): pulumi.Output<string> {
  const args = { command: readScript(script), environment, logging: "none" } as const;
  return command.local.runOutput(args, { parent }).stdout;
}
