import { type AddressInfo, createServer } from "node:net";

import { CoreV1Api, KubeConfig, PortForward } from "@kubernetes/client-node";

/**
 * Forwards a port of 127.0.0.1 to the first running pod through the API server, like `kubectl port-forward`.
 *
 * @param cluster - the text of a kubeconfig, or the path of a kubeconfig with a context
 * @param target - the port of a pod. `name` is the value of the label `app.kubernetes.io/name`
 * @param localPort - defaults to a free port
 * @throws Error if there is no such pod, or the port is in use
 */
export async function forwardPort(
  cluster: string | { path: string; context: string },
  target: { namespace: string; name: string; port: number },
  localPort = 0,
) {
  const config = new KubeConfig();
  if (typeof cluster === "string") {
    config.loadFromString(cluster);
  } else {
    config.loadFromFile(cluster.path);
    config.setCurrentContext(cluster.context);
  }
  const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({
    namespace: target.namespace,
    labelSelector: `app.kubernetes.io/name=${target.name}`,
    fieldSelector: "status.phase=Running",
  });
  const pod = items[0]?.metadata?.name;
  if (!pod) {
    throw new Error(`No pod of ${target.name} runs in the namespace ${target.namespace}. See "npm run status".`);
  }
  const forward = new PortForward(config);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    forward.portForward(target.namespace, pod, [target.port], socket, null, socket).then(
      (connection: unknown) => {
        // The client library does not close the socket when the pod closes the connection.
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
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
