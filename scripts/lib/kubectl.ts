import { spawnSync } from "node:child_process";

import { kubeconfigPath } from "../../components/kubeconfigPath.ts";
import { settings } from "./project.ts";

/**
 * Runs kubectl on this terminal: the one that every kind node carries, or this machine's own for a cluster that was there
 * before, with the stack's context.
 *
 * @returns its exit code
 * @throws Error if there is no such command, or no cluster
 */
export function kubectl(...args: string[]): number {
  const { target, clusterName, kubeconfig, kubeContext } = settings();
  if (target === "containers") throw new Error("This stack has no cluster: its target is containers");
  return target === "kind"
    ? onTerminal("docker", "exec", `${clusterName}-control-plane`, ...inNode, ...args)
    : onTerminal("kubectl", "--kubeconfig", kubeconfigPath(kubeconfig || undefined), "--context", kubeContext, ...args);
}

const inNode = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"];

/** Runs a command on this terminal and returns its exit code. */
export function onTerminal(command: string, ...args: string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw new Error(`${command} cannot be run (${error.message}): install it`);
  return status ?? 0;
}
