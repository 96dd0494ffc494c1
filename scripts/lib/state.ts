import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { stackName, stateFolder } from "./project.ts";

/** The stack's state in Pulumi's local backend. */
export const checkpoint = join(stateFolder, ".pulumi", "stacks", "koa-blog", `${stackName}.json`);

/** Where the stack runs, according to its state. The settings may have changed since. */
export interface State {
  /** The kind cluster of the stack, its token and kind's configuration. */
  kind?: { name: string; token: string; config: string };
  /** The existing cluster: the context, and the UID of the namespace `kube-system`. */
  existing?: { context: string; uid: string };
  /** Namespace of the blog, which also has the database or its kept volume. */
  namespace?: string;
  /** Whether the stack has Elasticsearch. */
  hasLogs?: boolean;
}

/** The fields of a resource in a state that {@link stateOf} reads. */
export interface Resource {
  type: string;
  inputs?: {
    environment?: Record<string, string>;
    stdin?: string;
    context?: string;
    clusterIdentifier?: string;
    metadata?: { name?: string; namespace?: string };
  };
}

export function readState(): State {
  if (!existsSync(checkpoint)) return {};
  const { checkpoint: content } = JSON.parse(readFileSync(checkpoint, "utf8")) as {
    checkpoint: { latest?: { resources?: Resource[] } | null };
  };
  return stateOf(content.latest?.resources ?? []);
}

export function stateOf(resources: Resource[]): State {
  const state: State = {};
  for (const { type, inputs = {} } of resources) {
    const { environment, stdin, context, clusterIdentifier, metadata } = inputs;
    if (type === "command:local:Command" && environment?.CLUSTER && stdin) {
      state.kind = { name: environment.CLUSTER, token: environment.TOKEN ?? "", config: stdin };
    }
    if (type === "pulumi:providers:kubernetes" && context && clusterIdentifier) {
      state.existing = { context, uid: clusterIdentifier };
    }
    if (type === "kubernetes:apps/v1:StatefulSet" && metadata?.name === "elasticsearch") state.hasLogs = true;
    // One of them may be missing, because it was deleted by hand, or because the database is a managed one.
    const isBlog = type.startsWith("kubernetes:apps/v1:") && ["koa-blog", "mysql"].includes(metadata?.name ?? "");
    if (isBlog && metadata?.namespace) {
      state.namespace = metadata.namespace;
    }
  }
  return state;
}
