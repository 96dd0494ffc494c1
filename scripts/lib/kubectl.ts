import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

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
 * Ends the bash script after it, with all its processes, when stdin ends. Ctrl-C ends `docker exec` on this machine,
 * but not its process in the node. It only closes the stdin of that process: https://github.com/docker/cli/issues/2607
 */
export const endWithStdin = 'exec 4<&0; (read -r <&4; kill 0) >/dev/null 2>&1 & trap "kill $!" EXIT; ';

/** Like {@link kubectl}, for a command that runs until Ctrl-C. It also ends in the node. */
export async function followKubectl(...args: string[]): Promise<number> {
  const command = untilStdinEnds(kubectlCommand({ input: true }));
  // The pipe closes with this process, however that ends.
  const child = spawn(command[0] ?? "", [...command.slice(1), ...args], { stdio: ["pipe", "inherit", "inherit"] });
  const ended = once(child, "close") as Promise<[number | null]>;
  const [status] = await ended.catch((error: unknown) => {
    throw new Error(`${String(command[0])} cannot be run (${(error as Error).message}). Install it.`);
  });
  return status ?? 0;
}

/** @param command - `docker exec -i NODE kubectl …`, or a kubectl of this machine, which gets Ctrl-C itself */
export function untilStdinEnds(command: string[]): string[] {
  const [program = "", exec = "", input = "", node = "", ...inNode] = command;
  const script = `${endWithStdin}"$@"`;
  return program === "docker" ? [program, exec, input, node, "bash", "-c", script, "bash", ...inNode] : command;
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
