import { spawnSync } from "node:child_process";

import { kubeconfigPath } from "../../components/kubeconfigPath.ts";
import { settings } from "./project.ts";

/**
 * Runs kubectl on this terminal.
 *
 * @returns its exit code
 * @throws Error if there is no such command, or no cluster
 */
export function kubectl(...args: string[]): number {
  const [command = "", ...rest] = kubectlCommand();
  return onTerminal(command, ...rest, ...args);
}

/**
 * The kubectl of the stack: the one that every kind node carries, or this machine's own for a cluster that was there before,
 * with the stack's context.
 *
 * @param input - whether it is to read from standard input
 * @throws Error if the stack has no cluster
 */
export function kubectlCommand({ input = false } = {}): string[] {
  const { target, clusterName, kubeconfig, kubeContext } = settings();
  switch (target) {
    case "containers":
      throw new Error("This stack has no cluster: its target is containers");
    case "existing":
      return ["kubectl", "--kubeconfig", kubeconfigPath(kubeconfig || undefined), "--context", kubeContext];
    case "kind": {
      const inNode = [`${clusterName}-control-plane`, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"];
      return ["docker", "exec", ...(input ? ["-i"] : []), ...inNode];
    }
  }
}

/** Runs a command on this terminal and returns its exit code. */
export function onTerminal(command: string, ...args: string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw new Error(`${command} cannot be run (${error.message}): install it`);
  return status ?? 0;
}
