import { until } from "../until.ts";
import { type Checkout, docker } from "./checkout.ts";

// Prints the addresses of its command line that accept a connection within 15 s. The network needs some seconds to
// apply its policies to a new pod.
const script = `
const { connect } = require("node:net");
const accepts = (address) => new Promise((resolve) => {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host).setTimeout(3000);
  const end = (accepted) => () => { socket.destroy(); resolve(accepted); };
  socket.on("connect", end(true)).on("timeout", end(false)).on("error", end(false));
});
const start = Date.now();
const acceptsInTime = async (address) => {
  while (Date.now() - start < 15000) {
    if (await accepts(address)) return [address];
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return [];
};
Promise.all(process.argv.slice(1).map(acceptsInTime)).then((found) => console.log(JSON.stringify(found.flat())));
`;

/**
 * The addresses that a pod of another namespace reaches.
 *
 * @param labels - labels of the pod. Defaults to none
 */
export async function reachable(
  checkout: Checkout,
  name: string,
  addresses: string[],
  labels: Record<string, string> = {},
): Promise<string[]> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels },
    spec: {
      restartPolicy: "Never",
      containers: [{ name, image: checkout.blogImage(), command: ["node", "--eval", script, ...addresses] }],
    },
  };
  const apply = 'printf %s "$1" | kubectl apply --filename -';
  docker("exec", `${checkout.clusterName}-control-plane`, "sh", "-c", apply, "sh", JSON.stringify(pod));
  const ofPod = (...args: string[]) => checkout.kubectl("--namespace", "default", ...args);
  const phase = () => ofPod("get", "pod", name, "--output", "jsonpath={.status.phase}");
  await until(`the pod ${name} has ended`, 60, () => phase() === "Succeeded");
  const found = JSON.parse(ofPod("logs", name)) as string[];
  ofPod("delete", "pod", name, "--wait=false");
  return found;
}

/** The IP address of the first pod of a component. */
export function addressOf(checkout: Checkout, component: string, namespace = "koa-blog"): string {
  return checkout.kubectl(
    ...["--namespace", namespace, "get", "pods", "--selector", `app.kubernetes.io/name=${component}`],
    ...["--output", "jsonpath={.items[0].status.podIP}"],
  );
}
