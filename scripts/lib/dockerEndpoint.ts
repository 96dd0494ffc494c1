import { spawnSync } from "node:child_process";

/** The address of the engine that the docker command uses: `DOCKER_HOST`, or the current context. */
export function dockerEndpoint(): string | undefined {
  const args = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  // stdout is null without a docker command. Another check reports that.
  const result: { stdout: string | null } = spawnSync("docker", args, { encoding: "utf8" });
  return /\S+/.exec(result.stdout ?? "")?.[0];
}

/** Whether an engine publishes ports on this machine. */
export function isOnThisMachine(endpoint: string): boolean {
  return /^(unix|npipe):|^tcp:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(endpoint);
}
