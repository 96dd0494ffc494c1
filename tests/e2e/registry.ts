import { docker } from "./checkout.ts";

const image = process.env.E2E_REGISTRY_IMAGE ?? "registry:3";

export const registryUser = "pusher";
export const registryPassword = "a registry password";
// Output of `htpasswd -Bbn`.
const htpasswd = "pusher:$2y$05$kfHgaAH4PRPTpOaI3zTGNupV.CYMho/B9pEKblGzW6RisR6CmsNA.";

/** A registry with a password. */
export interface TestRegistry {
  /** Host and port, the same for this machine and for the cluster's nodes. */
  server: string;
  remove: () => void;
}

/** Starts a registry for the nodes of a kind cluster, as in https://kind.sigs.k8s.io/docs/user/local-registry/. */
export function startRegistry(name: string, port: number, nodes: string[]): TestRegistry {
  docker(
    ...["run", "--detach", "--name", name, "--network", "kind", "--publish", `127.0.0.1:${String(port)}:5000`],
    ...["--env", "REGISTRY_AUTH=htpasswd", "--env", "REGISTRY_AUTH_HTPASSWD_REALM=test"],
    ...["--env", "REGISTRY_AUTH_HTPASSWD_PATH=/tmp/htpasswd", "--env", `HTPASSWD=${htpasswd}`],
    ...["--entrypoint", "sh", image, "-c"],
    'echo "$HTPASSWD" >/tmp/htpasswd && exec registry serve /etc/distribution/config.yml',
  );
  const server = `localhost:${String(port)}`;
  const hosts = `[host."http://${name}:5000"]\n`;
  for (const node of nodes) {
    const write = `mkdir -p /etc/containerd/certs.d/${server} && printf '${hosts}' >/etc/containerd/certs.d/${server}/hosts.toml`;
    docker("exec", node, "sh", "-c", write);
  }
  return { server, remove: () => docker("rm", "--force", "--volumes", name) };
}
