import { spawnSync } from "node:child_process";

import { settings } from "./project.ts";

/**
 * Runs the kubectl that every kind node carries, on this terminal.
 *
 * @returns its exit code
 * @throws Error if there is no docker command
 */
export function kubectl(...args: string[]): number {
  const node = `${settings().clusterName}-control-plane`;
  const command = ["exec", node, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", ...args];
  const { status, error } = spawnSync("docker", command, { stdio: "inherit" });
  if (error) throw new Error(`docker cannot be run (${error.message}): install Docker`);
  return status ?? 0;
}
