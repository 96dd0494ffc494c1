import { spawnSync } from "node:child_process";

import { kubeconfigPath } from "../../components/cluster/kubeconfigPath.ts";
import { settings } from "./project.ts";

/** Runs kubectl on this terminal and returns its exit code. @throws Error without a cluster, or without kubectl */
export function kubectl(...args: string[]): number {
  const [command = "", ...rest] = kubectlCommand();
  return onTerminal(command, ...rest, ...args);
}

/**
 * The kubectl command with its options. Target kind uses the kubectl of the control-plane node, so this machine needs
 * none. Target existing uses this machine's kubectl. `input` says whether it reads stdin.
 */
export function kubectlCommand({ input = false } = {}): string[] {
  const { target, clusterName, kubeconfig, kubeContext } = settings();
  switch (target) {
    case "containers":
      throw new Error("This stack has no cluster, because its target is containers");
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
  if (error) throw new Error(`${command} cannot be run (${error.message}). Install it.`);
  return status ?? 0;
}
