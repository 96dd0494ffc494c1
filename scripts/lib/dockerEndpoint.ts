import { spawnSync } from "node:child_process";

/** The address of the engine that the docker command uses: `DOCKER_HOST`, or the current context. */
export function dockerEndpoint(): string | undefined {
  const args = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  const { stdout } = spawnSync("docker", args, { encoding: "utf8" });
  // Without a docker command there is no output. Then another check reports that.
  return /\S+/.exec(stdout ?? "")?.[0];
}

/** Whether an engine publishes ports on this machine. */
export function isOnThisMachine(endpoint: string): boolean {
  return /^(unix|npipe):|^tcp:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(endpoint);
}
