import { createServer, type AddressInfo, type Server } from "node:net";

import { CoreV1Api, KubeConfig, PortForward } from "@kubernetes/client-node";

/** Which pod to forward to: the first one that has the label. */
export interface Target {
  namespace: string;
  /** Value of the label `app.kubernetes.io/name`. */
  name: string;
  port: number;
}

/** How to reach a cluster: the text of a kubeconfig, or a context of a file. */
export type ClusterAccess = string | { path: string; context: string };

/**
 * Forwards a port of this machine's 127.0.0.1 to a pod, through the API server: the pod needs no port outside the cluster.
 *
 * @param localPort - defaults to a free one
 * @returns the listening server
 * @throws Error if there is no such pod, or the port is taken
 */
export async function forwardPort(cluster: ClusterAccess, target: Target, localPort = 0): Promise<Server> {
  const config = kubeConfig(cluster);
  const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({
    namespace: target.namespace,
    labelSelector: `app.kubernetes.io/name=${target.name}`,
    fieldSelector: "status.phase=Running",
  });
  const pod = items[0]?.metadata?.name;
  if (!pod) throw new Error(`No pod of ${target.name} runs in the namespace ${target.namespace}: see "npm run status"`);
  const forward = new PortForward(config);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    forward.portForward(target.namespace, pod, [target.port], socket, null, socket).then(
      (connection: unknown) => {
        // Its end is the end of the pod's connection.
        const webSocket = connection as { onclose: () => void; close(): void };
        webSocket.onclose = () => socket.end();
        socket.on("close", () => {
          webSocket.close();
        });
      },
      (error: unknown) => {
        console.error(`${pod} cannot be reached: ${(error as Error).message}`);
        socket.destroy();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(localPort, "127.0.0.1", resolve);
  });
  return server;
}

function kubeConfig(cluster: ClusterAccess): KubeConfig {
  const config = new KubeConfig();
  if (typeof cluster === "string") {
    config.loadFromString(cluster);
  } else {
    config.loadFromFile(cluster.path);
    config.setCurrentContext(cluster.context);
  }
  return config;
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
