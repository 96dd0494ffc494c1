import { spawnSync } from "node:child_process";

import { kindConfig } from "../../../components/kind/kindConfig.ts";
import { kindConfigArgs, type Settings } from "../../../settings.ts";
import { findCluster, type FoundCluster, owner } from "../kindCluster.ts";
import type { State } from "../state.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** Checks that a run deletes no posts, unless the command line allows it, and that all containers run. */
export function checkCluster(config: Settings, state: State, mayReplace = false): Finding[] {
  const findings = mayReplace ? [] : findLoss(config, state);
  if (config.target === "existing") return findings;
  const found = findCluster(config.clusterName);
  const foreign = foreignCluster(config.clusterName, found, state.kind?.token);
  // The next run deletes a cluster that an interrupted run left incomplete.
  const isIncomplete = found.isIncomplete && (found.token === undefined || found.token !== state.kind?.token);
  findings.push(...(foreign.length > 0 || isIncomplete ? foreign : checkContainers(found)));
  return findings.length > 0 ? findings : [ok(`Cluster ${config.clusterName}: nothing in the way`)];
}

/** A problem if a cluster has the name of the stack's cluster, but the stack did not create it. */
export function foreignCluster(name: string, found: FoundCluster, ownToken: string | undefined): Finding[] {
  const { containers, token, isIncomplete, isOld } = found;
  const exists = containers.some((container) => container.name === `${name}-control-plane`);
  if (!exists || isIncomplete || (token !== undefined && token === ownToken)) return [];
  if (isOld) {
    const message = `A version of this project before 1.0.0 created the kind cluster ${name}`;
    return [problem(message, 'To keep its posts, follow "Upgrade" in CHANGELOG.md')];
  }
  const creator = token === undefined ? "another program" : `the Pulumi stack ${token.replace(/\/[^/]*$/, "")}`;
  return [
    problem(
      `The state of ${owner} has no cluster of the name ${name}, but ${creator} created one`,
      'Choose another name: "npm run pulumi -- config set clusterName NAME". ' +
        `Or delete that cluster with its data: "kind delete cluster --name ${name}"`,
    ),
  ];
}

/** A problem if a change of the settings would delete the posts. */
export function findLoss(config: Settings, state: State): Finding[] {
  const { kind, existing } = state;
  return lossOf(config, state, {
    isOwn: kind !== undefined && findCluster(kind.name).token === kind.token,
    uid: existing && config.target === "existing" ? uidOf(config.kubeContext) : undefined,
  });
}

/** @param present - whether the recorded kind cluster still exists, and the UID of the existing cluster if known */
export function lossOf(config: Settings, state: State, present: { isOwn: boolean; uid?: string | undefined }) {
  const { kind, existing, namespace } = state;
  if (namespace === undefined || (kind && !present.isOwn)) return [];
  const loss = (what: string, reason: string) => {
    const message = `A run would delete ${what}, because ${reason}`;
    return [problem(message, 'Run "npm run backup". Then run "npm run up -- --replace-cluster"')];
  };
  const cluster = kind
    ? `the kind cluster ${kind.name} with all users, posts and logs`
    : "the blog in the existing cluster with all users and posts";
  if (config.target !== (kind ? "kind" : "existing")) return loss(cluster, `target is ${config.target}`);
  if (kind && config.target === "kind") {
    if (config.clusterName !== kind.name) return loss(cluster, `clusterName is ${config.clusterName}`);
    const wanted = kindConfig(kindConfigArgs(config));
    if (wanted !== kind.config) {
      return loss(cluster, `its configuration changes:\n${changedLines(kind.config, wanted)}`);
    }
  }
  if (existing && config.target === "existing") {
    // kubectl may be missing, or the cluster may not answer. The same context is the same cluster then.
    const uid = present.uid ?? (config.kubeContext === existing.context ? existing.uid : undefined);
    if (uid === undefined) return loss(cluster, "kubeContext changes, and kubectl cannot compare the clusters");
    if (uid !== existing.uid) return loss(cluster, "kubeContext is another cluster");
  }
  if (config.namespace === namespace) return [];
  return loss(`the namespace ${namespace} with all users and posts`, `namespace is ${config.namespace}`);
}

/** The UID of a cluster, if this machine has kubectl and the cluster answers. */
function uidOf(context: string): string | undefined {
  const get = ["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}", "--request-timeout", "5s"];
  return spawnSync("kubectl", ["--context", context, ...get], { encoding: "utf8" }).stdout || undefined;
}

/** The lines that differ, `-` before and `+` after. */
export function changedLines(before: string, after: string): string {
  const show = (sign: string, text: string, other: string) => {
    const rest = other.split("\n");
    const lines = text.split("\n").filter((line) => !rest.includes(line) || !rest.splice(rest.indexOf(line), 1));
    return [...new Set(lines)].map((line) => `      ${sign} ${line.trim().replace(/^- /, "")}`);
  };
  const changes = [...show("-", before, after), ...show("+", after, before)];
  return changes.join("\n") || "      the order of its lines";
}

/** The stopped nodes and registry must be started, because a recreated cluster would lose the data. */
export function checkContainers({ containers }: Pick<FoundCluster, "containers">): Finding[] {
  const names = containers.filter(({ state }) => state !== "running").map(({ name }) => name);
  if (names.length === 0) return [];
  const message = `Containers of the cluster are stopped: ${names.join(", ")}`;
  return [problem(message, `Start them: docker start ${names.join(" ")}`)];
}

/** `--refresh` if the cluster of the state runs. A refresh notices objects that were deleted or changed by hand. */
export function refreshFlag(config: Settings, { kind }: State): string[] {
  if (!kind) return config.target === "existing" ? ["--refresh"] : [];
  const { containers, token } = findCluster(kind.name);
  const node = containers.find(({ name }) => name === `${kind.name}-control-plane`);
  return token === kind.token && node?.state === "running" && answers(node.name) ? ["--refresh"] : [];
}

/**
 * Whether the API server of a kind cluster answers. It needs some time after a start of the node. Until then, a refresh
 * counts all objects as deleted (deleteUnreachable in components/cluster/localCluster.ts).
 */
export function answers(node: string): boolean {
  const probe = "kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz --request-timeout 2s";
  const script = `for _ in $(seq 60); do ${probe} >/dev/null 2>&1 && exit; sleep 1; done; exit 1`;
  return spawnSync("docker", ["exec", node, "sh", "-c", script]).status === 0;
}
