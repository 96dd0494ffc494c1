import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { docker } from "./checkout.ts";

export const registryUser = "pusher";
export const registryPassword = "a registry password";
// What `htpasswd -Bbn` makes of them.
const htpasswd = "pusher:$2y$05$kfHgaAH4PRPTpOaI3zTGNupV.CYMho/B9pEKblGzW6RisR6CmsNA.";

/** A registry that wants a password. */
export interface TestRegistry {
  /** Its name, for this machine and for the cluster's nodes. */
  server: string;
  remove: () => void;
}

/** Why there can be no registry here, or undefined. */
export function registryProblem(): string | undefined {
  try {
    execFileSync("docker-registry", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no docker-registry on PATH (Debian's package of that name has it)";
  }
}

/**
 * Starts this machine's docker-registry in a container beside the nodes of a kind cluster, and tells the nodes where it is,
 * as https://kind.sigs.k8s.io/docs/user/local-registry/ does.
 *
 * @param image - any with the C library that docker-registry needs
 */
export function startRegistry(name: string, port: number, image: string, nodes: string[]): TestRegistry {
  const folder = mkdtempSync(join(tmpdir(), "koa-blog-registry-"));
  const program = execFileSync("which", ["docker-registry"], { encoding: "utf8" }).trim();
  writeFileSync(join(folder, "htpasswd"), `${htpasswd}\n`);
  writeFileSync(
    join(folder, "config.yml"),
    `version: 0.1
storage:
  filesystem:
    rootdirectory: /tmp/registry
http:
  addr: ":5000"
auth:
  htpasswd:
    realm: test
    path: /registry/htpasswd
`,
  );
  docker(
    ...["run", "--detach", "--name", name, "--network", "kind", "--publish", `127.0.0.1:${String(port)}:5000`],
    ...["--volume", `${program}:/usr/bin/docker-registry:ro`, "--volume", `${folder}:/registry:ro`],
    ...[image, "docker-registry", "serve", "/registry/config.yml"],
  );
  const server = `localhost:${String(port)}`;
  const hosts = `[host."http://${name}:5000"]\n`;
  for (const node of nodes) {
    const write = `mkdir -p /etc/containerd/certs.d/${server} && printf '${hosts}' >/etc/containerd/certs.d/${server}/hosts.toml`;
    docker("exec", node, "sh", "-c", write);
  }
  return {
    server,
    remove: () => {
      docker("rm", "--force", "--volumes", name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
