import { createServer, type AddressInfo, type Server } from "node:net";

import { CoreV1Api, KubeConfig, PortForward } from "@kubernetes/client-node";

/** Which pod to forward to: the first one that has the label. */
export interface Target {
  namespace: string;
  /** Value of the label `app.kubernetes.io/name`. */
  name: string;
  port: number;
}

/**
 * Forwards a port of this machine's 127.0.0.1 to a pod, through the API server: the pod needs no port outside the cluster.
 *
 * @param kubeconfig - how to reach the cluster
 * @param localPort - defaults to a free one
 * @returns the listening server
 * @throws Error if there is no such pod, or the port is taken
 */
export async function forwardPort(kubeconfig: string, target: Target, localPort = 0): Promise<Server> {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
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

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
