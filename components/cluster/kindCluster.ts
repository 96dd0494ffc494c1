import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";

import type { StackConfig } from "../../config.ts";
import { qualified } from "../images/registry.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { identityOf, readGeneration } from "./identity.ts";
import type { LocalRegistry } from "./localRegistry.ts";
import { script } from "./script.ts";

type NodeSettings = Pick<StackConfig, "clusterName" | "workers" | "nodeImage" | "mergeKubeconfig">;
type PortSettings = Pick<StackConfig, "nodePort" | "hostPort" | "listenAddress" | "kibanaNodePort">;

export interface KindClusterArgs extends NodeSettings, PortSettings {
  /** The registry from which the nodes pull first. */
  registry: LocalRegistry;
  /** Images that the workers of a new cluster pull at once, if already pushed. */
  firstImages: string[];
}

/** One entry of kind's `extraPortMappings`. */
export interface PortMapping {
  containerPort: number;
  hostPort: number;
  listenAddress: string;
  protocol: "TCP";
}

/**
 * A kind cluster in the local Docker engine, with the provider that deploys to it.
 *
 * A random generation is written into the control-plane node once the cluster is complete. Each run reads it. A deleted
 * or incomplete cluster has none, so Pulumi recreates it with everything inside.
 */
export class KindCluster extends pulumi.ComponentResource {
  /** The cluster's name, once it exists. */
  readonly clusterName: pulumi.Output<string>;
  /** Changes only when the cluster was recreated or reconfigured. */
  readonly identity: pulumi.Output<string>;
  /** Kubeconfig of the cluster's administrator. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /**
   * The provider for all objects in the cluster, which are `deletedWith` it. When the cluster is replaced, its provider
   * is deleted last, so Pulumi never calls a cluster that no longer exists.
   */
  readonly provider: k8s.Provider;

  constructor(name: string, args: KindClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:KindCluster", name, {}, opts);
    const { clusterName } = args;
    const config = kindConfig(args.workers, args.nodeImage, portMappings(args));
    const generation = readGeneration(`${clusterName}-control-plane`, "/kind/generation", this);
    this.identity = generation.apply((read) => identityOf(read, config));
    const removal = deletion(pulumi.getStack(), clusterName, generation, args.mergeKubeconfig);
    const cluster = new command.local.Command(
      `${name}-cluster`,
      {
        create: script("createKindCluster.sh"),
        // Runs for changes outside `triggers`, such as MERGE_KUBECONFIG. kind cannot change an existing cluster.
        update: `kind get kubeconfig --name ${clusterName}`,
        delete: removal.command,
        stdin: config,
        environment: removal.environment,
        triggers: [this.identity],
        addPreviousOutputInEnv: false,
        // stdout is the kubeconfig. kind writes its progress to stderr.
        logging: "stderr",
      },
      {
        // The registry is attached to the network kind, and kind uses an existing network.
        ...childOptions(this, opts, args.registry.network),
        deleteBeforeReplace: true,
        additionalSecretOutputs: ["stdout"],
      },
    );
    this.kubeconfig = pulumi.secret(cluster.stdout);
    this.clusterName = cluster.id.apply(() => clusterName);
    const mirror = new command.local.Command(
      `${name}-mirror`,
      {
        create: script("configureMirror.sh"),
        environment: {
          CLUSTER: clusterName,
          REGISTRY: `${args.registry.host}:5000`,
          MARKER: removal.environment.MARKER,
          IMAGES: args.firstImages.map(qualified).join(" "),
        },
        triggers: [this.identity],
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      {
        ...childOptions(this, opts, cluster),
        // Only a new cluster needs its first images.
        ignoreChanges: ["environment.IMAGES"],
      },
    );
    this.provider = new k8s.Provider(
      `${name}-provider`,
      {
        kubeconfig: this.kubeconfig,
        // A new identity replaces all objects in the cluster. A new kubeconfig of the same cluster does not.
        clusterIdentifier: this.identity,
        // Takes over objects that a killed run left. No other stack uses this cluster.
        upsertExistingObjects: true,
        // Field managers have random names. Without force, server-side apply of such an object is a conflict.
        enablePatchForce: true,
        deleteUnreachable: true,
      },
      // Pods need the registry's address in their nodes' containerd.
      childOptions(this, opts, mirror),
    );
    if (args.mergeKubeconfig) {
      // deleteKindCluster.sh removes the context again.
      new command.local.Command(
        `${name}-context`,
        { create: `kind export kubeconfig --name ${clusterName}`, triggers: [this.identity], logging: "stderr" },
        { ...childOptions(this, opts, cluster), deletedWith: cluster },
      );
    }
    this.registerOutputs({ clusterName: this.clusterName, identity: this.identity, kubeconfig: this.kubeconfig });
  }
}

/** The command that deletes a stack's cluster, with its environment variables. */
export function deletion<Text extends pulumi.Input<string>>(
  stack: string,
  clusterName: string,
  generation: Text,
  mergeKubeconfig = false,
) {
  return {
    command: script("deleteKindCluster.sh"),
    environment: {
      CLUSTER: clusterName,
      GENERATION: generation,
      MARKER: marker(stack, clusterName),
      MERGE_KUBECONFIG: String(mergeKubeconfig),
    },
  };
}

/** Path of the marker file, which exists until the cluster is in the state. It contains the generation. */
export function marker(stack: string, clusterName: string): string {
  return `.state/${stack}-kind-${clusterName}`;
}

/**
 * The controller manager marks a stopped node as not ready after 16 s instead of 40 s. The kubelet renews its lease
 * after a quarter of nodeLeaseDurationSeconds, that is every 2 s.
 * https://kubernetes.io/docs/reference/node/node-status/#heartbeats
 */
const controllerManagerArgs = { "node-monitor-grace-period": "16s", "node-monitor-period": "2s" };

/**
 * kind uses kubeadm's API v1beta3 up to Kubernetes 1.35, and v1beta4 from 1.36 on. In v1beta4, arguments are a list.
 * kind silently ignores the patch of the other version.
 */
const kubeadmConfigPatches = [
  { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", nodeLeaseDurationSeconds: 8 },
  clusterConfiguration("v1beta3", controllerManagerArgs),
  clusterConfiguration(
    "v1beta4",
    Object.entries(controllerManagerArgs).map(([name, value]) => ({ name, value })),
  ),
];

function clusterConfiguration(version: string, extraArgs: unknown) {
  return { apiVersion: `kubeadm.k8s.io/${version}`, kind: "ClusterConfiguration", controllerManager: { extraArgs } };
}

/**
 * Sets containerd's config_path by replacing the whole registry section. kind 0.17's node images, such as v1.26.0, set
 * a mirror there, and containerd rejects mirrors next to config_path. The default of containerd 2.2, two folders,
 * ignores `_default` (containerd/containerd#12636).
 */
const containerdConfigPatch = [
  { op: "add", path: "/plugins/io.containerd.grpc.v1.cri/registry", value: { config_path: "/etc/containerd/certs.d" } },
];

/** Ports of the kind nodes that this machine publishes. Kibana's port is on 127.0.0.1 only. */
function portMappings({ nodePort, hostPort, listenAddress, kibanaNodePort }: PortSettings): PortMapping[] {
  const blog: PortMapping = { containerPort: nodePort, hostPort, listenAddress, protocol: "TCP" };
  if (kibanaNodePort === undefined) return [blog];
  return [blog, { ...blog, containerPort: kibanaNodePort, hostPort: kibanaNodePort, listenAddress: "127.0.0.1" }];
}

/** kind's configuration for one control-plane node, which publishes the ports, and some workers. */
export function kindConfig(workers: number, image: string, extraPortMappings: PortMapping[]): string {
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    kubeadmConfigPatches: kubeadmConfigPatches.map((patch) => stringify(patch)),
    containerdConfigPatchesJSON6902: [JSON.stringify(containerdConfigPatch)],
    nodes: [
      { role: "control-plane", image, ...(extraPortMappings.length > 0 && { extraPortMappings }) },
      ...Array.from({ length: workers }, () => ({ role: "worker", image })),
    ],
  });
}
