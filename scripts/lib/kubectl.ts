import { spawnSync } from "node:child_process";

import { settings } from "./project.ts";
import { readState } from "./state.ts";

/** Runs kubectl on this terminal and returns its exit code. @throws Error without kubectl */
export function kubectl(...args: string[]): number {
  const [command = "", ...rest] = kubectlCommand();
  const { status, error } = spawnSync(command, [...rest, ...args], { stdio: "inherit" });
  if (error) throw new Error(`${command} cannot be run (${error.message}). Install it.`);
  return status ?? 0;
}

/**
 * The kubectl command for the cluster of the state, or else of the settings. A kind cluster has its own kubectl in the
 * control-plane node, so this machine needs none. `input` says whether kubectl reads stdin.
 */
export function kubectlCommand({ input = false } = {}): string[] {
  const config = settings();
  const state = readState();
  if (state.existing) return ["kubectl", "--context", state.existing.context];
  if (!state.kind && config.target === "existing") return ["kubectl", "--context", config.kubeContext];
  const name = state.kind?.name ?? (config.target === "kind" ? config.clusterName : "");
  const inNode = [`${name}-control-plane`, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"];
  return ["docker", "exec", ...(input ? ["-i"] : []), ...inNode];
}

/** Namespace of the blog, of the state or else of the settings. */
export function blogNamespace(): string {
  return readState().namespace ?? settings().namespace;
}
