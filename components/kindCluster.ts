import { createHash } from "node:crypto";

import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";

import { createCluster, deleteCluster, readGeneration } from "./kindCommands.ts";
import { childOptions } from "./options.ts";

export interface KindClusterArgs {
  /** Name of the cluster. A name, not an output: the command that deletes the cluster must know it from the state. */
  clusterName: string;
  /** Worker nodes beside the one control-plane node. Defaults to 2. */
  workers?: pulumi.Input<number>;
  /** Image of the nodes, such as `kindest/node:v1.34.0`. */
  nodeImage: pulumi.Input<string>;
  /** Ports of the nodes that this machine publishes. Defaults to none; kind can't add one to a running cluster. */
  portMappings?: pulumi.Input<PortMapping[]>;
  /** Whether the cluster's context is added to the user's own kubeconfig as well. Defaults to false. */
  mergeKubeconfig?: boolean;
}

/** One entry of kind's `extraPortMappings`. */
export interface PortMapping {
  containerPort: number;
  hostPort: number;
  listenAddress: string;
  protocol: "TCP" | "UDP" | "SCTP";
}

/**
 * A Kubernetes cluster in containers of the local Docker engine, made by kind, with the provider that deploys to it.
 *
 * Each cluster carries a generation, written into its control-plane node when it is complete. Every run of the program
 * reads it back: a cluster that was deleted by hand, or never finished, has none, and is made again with everything in it.
 */
export class KindCluster extends pulumi.ComponentResource {
  /** The cluster's name, once it exists. */
  readonly clusterName: pulumi.Output<string>;
  /** Names of the nodes that run pods. */
  readonly workerNodes: pulumi.Output<string[]>;
  /** Names of all nodes. */
  readonly nodes: pulumi.Output<string[]>;
  /** Changes when, and only when, the cluster is another one than before: deleted meanwhile, or configured anew. */
  readonly identity: pulumi.Output<string>;
  /** Administrator's kubeconfig. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The command that made the cluster. */
  readonly cluster: command.local.Command;
  /**
   * The provider for everything inside the cluster, which is `deletedWith` it: the provider of a cluster that is no more
   * goes last, when there is nobody left to tell.
   */
  readonly provider: k8s.Provider;

  constructor(name: string, args: KindClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:KindCluster", name, {}, opts);
    const { clusterName } = args;
    const workers = pulumi.output(args.workers ?? 2);
    const config = pulumi
      .all([workers, args.nodeImage, args.portMappings ?? []])
      .apply((values) => kindConfig(...values));

    const generation = command.local.runOutput(
      { command: readGeneration(clusterName), logging: "none" },
      { parent: this },
    ).stdout;
    this.identity = pulumi.all([generation, config]).apply((parts) => identityOf(...parts));
    this.cluster = new command.local.Command(
      `${name}-cluster`,
      {
        create: createCluster(pulumi.getStack(), clusterName),
        // Reached only when the text of a command changes: kind can't alter a cluster, so anything else replaces it.
        update: `kind get kubeconfig --name ${clusterName}`,
        delete: deleteCluster(pulumi.getStack(), clusterName),
        stdin: config,
        environment: { GENERATION: generation },
        triggers: [this.identity],
        addPreviousOutputInEnv: false,
        // kind tells its progress on stderr; stdout is the kubeconfig.
        logging: "stderr",
      },
      { ...childOptions(this, opts), deleteBeforeReplace: true, additionalSecretOutputs: ["stdout"] },
    );
    this.kubeconfig = pulumi.secret(this.cluster.stdout);
    this.clusterName = this.cluster.id.apply(() => clusterName);
    this.workerNodes = workers.apply((count) => workerNodes(clusterName, count));
    this.nodes = this.workerNodes.apply((names) => [`${clusterName}-control-plane`, ...names]);
    this.provider = new k8s.Provider(
      `${name}-provider`,
      {
        kubeconfig: this.kubeconfig,
        // Another kubeconfig of the same cluster is an update, and another cluster a replacement of all that is in it.
        clusterIdentifier: this.identity,
        // The cluster is this stack's alone: what an interrupted run left there is taken over instead of refused, from
        // the field manager that it had under another random name too.
        upsertExistingObjects: true,
        enablePatchForce: true,
        deleteUnreachable: true,
      },
      childOptions(this, opts),
    );
    if (args.mergeKubeconfig) {
      // Deleting the cluster removes the entry again.
      new command.local.Command(
        `${name}-context`,
        { create: `kind export kubeconfig --name ${clusterName}`, triggers: [this.identity], logging: "stderr" },
        { ...childOptions(this, opts), dependsOn: [this.cluster], deletedWith: this.cluster },
      );
    }
    this.registerOutputs({
      clusterName: this.clusterName,
      workerNodes: this.workerNodes,
      nodes: this.nodes,
      identity: this.identity,
      kubeconfig: this.kubeconfig,
    });
  }
}

/**
 * How soon the cluster notices that a node has stopped, and sends its pods no more requests: after 16 s instead of 40 s. A node
 * says that it is alive every 2 s then, a quarter of its lease. kubeadm's v1beta3 is what kind uses up to Kubernetes 1.35.
 * https://kubernetes.io/docs/reference/node/node-status/#heartbeats
 */
const nodeFailureDetection = [
  { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", nodeLeaseDurationSeconds: 8 },
  {
    apiVersion: "kubeadm.k8s.io/v1beta3",
    kind: "ClusterConfiguration",
    controllerManager: { extraArgs: { "node-monitor-grace-period": "16s", "node-monitor-period": "2s" } },
  },
];

/** kind's configuration of a cluster with one control-plane node, which publishes the ports, and the given workers. */
export function kindConfig(workers: number, image: string, extraPortMappings: PortMapping[]): string {
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    kubeadmConfigPatches: nodeFailureDetection.map((patch) => stringify(patch)),
    nodes: [
      { role: "control-plane", image, ...(extraPortMappings.length > 0 && { extraPortMappings }) },
      ...Array.from({ length: workers }, () => ({ role: "worker", image })),
    ],
  });
}

/** kind's names of the worker nodes: NAME-worker, NAME-worker2, NAME-worker3 … */
export function workerNodes(clusterName: string, workers: number): string[] {
  return Array.from({ length: workers }, (_, index) => `${clusterName}-worker${index === 0 ? "" : String(index + 1)}`);
}

/** Tells a cluster from another: its generation, which it keeps as long as it is there, and a hash of how it is made. */
export function identityOf(generation: string, config: string): string {
  return `${generation}-${createHash("sha256").update(config).digest("hex").slice(0, 8)}`;
}
