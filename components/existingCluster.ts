import { readFileSync } from "node:fs";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { kubeconfigPath } from "./kubeconfigPath.ts";
import { childOptions } from "./options.ts";
import { settingError } from "./settingError.ts";

export interface ExistingClusterArgs {
  /** Path of a kubeconfig; `~/` is the home folder. Defaults to `~/.kube/config`. */
  kubeconfig?: string | undefined;
  /** Context of the kubeconfig to use. There is no default: the current one changes with the work of the day. */
  context: string;
}

/** A cluster that somebody else made and keeps: nothing but a provider, for one named context of a kubeconfig. */
export class ExistingCluster extends pulumi.ComponentResource {
  /** The provider for everything inside the cluster. */
  readonly provider: k8s.Provider;

  constructor(name: string, args: ExistingClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:ExistingCluster", name, {}, opts);
    const kubeconfig = kubeconfigPath(args.kubeconfig);
    this.provider = new k8s.Provider(
      `${name}-provider`,
      {
        // The path, not the content: what logs the user in does not get into the state, and may change.
        kubeconfig,
        context: args.context,
        clusterIdentifier: serverOf(readKubeconfig(kubeconfig), args.context),
      },
      childOptions(this, opts),
    );
    this.registerOutputs({ provider: this.provider });
  }
}

interface Kubeconfig {
  path: string;
  contexts: { name: string; context: { cluster: string } }[];
  clusters: { name: string; cluster: { server: string } }[];
}

function readKubeconfig(path: string): Kubeconfig {
  try {
    const { contexts, clusters } = parse(readFileSync(path, "utf8")) as Partial<Kubeconfig>;
    return { path, contexts: contexts ?? [], clusters: clusters ?? [] };
  } catch (error) {
    throw settingError(
      `kubeconfig: ${path} cannot be read (${(error as Error).message}); ` +
        'name another file with "pulumi config set kubeconfig PATH"',
    );
  }
}

/**
 * Address of the API server that a context stands for: what tells a cluster from another.
 *
 * @throws pulumi.RunError that lists the contexts, if there is none of that name
 */
function serverOf({ path, contexts, clusters }: Kubeconfig, name: string): string {
  const context = contexts.find((candidate) => candidate.name === name);
  const cluster = clusters.find((candidate) => candidate.name === context?.context.cluster);
  if (cluster) return cluster.cluster.server;
  const known = contexts.map((candidate) => candidate.name).join(", ");
  throw settingError(
    `kubeContext: ${path} has no context ${JSON.stringify(name)} with a cluster. It has: ${known || "none"}; ` +
      'choose one with "pulumi config set kubeContext NAME"',
  );
}
