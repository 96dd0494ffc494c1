import { readFileSync } from "node:fs";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { childOptions } from "../kubernetes/childOptions.ts";
import { settingError } from "../kubernetes/settingError.ts";
import { kubeconfigPath } from "./kubeconfigPath.ts";

export interface ExistingClusterArgs {
  /** Path of a kubeconfig. `~/` means the home folder. Defaults to `~/.kube/config`. */
  kubeconfig?: string | undefined;
  /** Context of the kubeconfig. No default, because other programs change the current context. */
  context: string;
}

/** A cluster that the stack does not create. Its only resource is the provider for one context of a kubeconfig. */
export class ExistingCluster extends pulumi.ComponentResource {
  /** The provider for all objects in the cluster. */
  readonly provider: k8s.Provider;

  constructor(name: string, args: ExistingClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:ExistingCluster", name, {}, opts);
    const kubeconfig = kubeconfigPath(args.kubeconfig);
    this.provider = new k8s.Provider(
      `${name}-provider`,
      {
        // With the path instead of the content, credentials stay out of the state and may be renewed.
        kubeconfig,
        context: args.context,
        clusterIdentifier: serverOf(kubeconfig, args.context),
      },
      childOptions(this, opts),
    );
    this.registerOutputs({ provider: this.provider });
  }
}

interface Kubeconfig {
  contexts: { name: string; context: { cluster: string } }[];
  clusters: { name: string; cluster: { server: string } }[];
}

/**
 * Address of a context's API server. Several contexts may use the same cluster, so the address identifies it.
 *
 * @throws pulumi.RunError if the file cannot be read or lacks the context
 */
function serverOf(path: string, name: string): string {
  const { contexts, clusters } = readKubeconfig(path);
  const context = contexts.find((candidate) => candidate.name === name);
  const cluster = clusters.find((candidate) => candidate.name === context?.context.cluster);
  if (cluster) return cluster.cluster.server;
  const known = contexts.map((candidate) => candidate.name).join(", ") || "none";
  throw settingError(
    `kubeContext: ${path} has no context ${JSON.stringify(name)} with a cluster. Contexts: ${known}. ` +
      'Set one with "npm run pulumi -- config set kubeContext NAME".',
  );
}

function readKubeconfig(path: string): Kubeconfig {
  try {
    // `kubectl config` writes null for an empty list.
    const { contexts, clusters } = parse(readFileSync(path, "utf8")) as Partial<Kubeconfig>;
    return { contexts: contexts ?? [], clusters: clusters ?? [] };
  } catch (error) {
    throw settingError(
      `kubeconfig: ${path} cannot be read (${(error as Error).message}). ` +
        'Set another file with "npm run pulumi -- config set kubeconfig PATH".',
    );
  }
}
