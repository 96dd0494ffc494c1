import { kubeconfigPath } from "../../components/cluster/kubeconfigPath.ts";
import { elasticsearchName, kibanaName } from "../../components/logging/loggingNames.ts";
import { hasLogging, settings } from "./project.ts";
import { prepareStack, stackOutputs } from "./stack.ts";

const ports = { [elasticsearchName]: 9200, [kibanaName]: 5601 };

/**
 * Forwards a local port to Elasticsearch or Kibana.
 *
 * @param localPort - defaults to a free port
 * @returns the port, the password of the user `elastic`, and a function that stops forwarding
 * @throws Error if the stack has no logging, or does not run
 */
export async function openLogging(name: keyof typeof ports, localPort?: number) {
  const config = settings();
  if (config.target === "containers") {
    throw new Error('Plain containers have no Elasticsearch. "npm run logs" shows the logs of the blog.');
  }
  if (!hasLogging(config)) {
    throw new Error(
      'This stack collects no logs. Run "npm run pulumi -- config set logging true", then "npm run up". ' +
        '"npm run logs" shows the logs of the blog.',
    );
  }
  // In parallel, because the Kubernetes client takes a second to load, and Pulumi two seconds to answer.
  const [{ forwardPort }, outputs] = await Promise.all([import("./portForward.ts"), prepareStack().then(stackOutputs)]);
  const { elasticPassword } = (outputs.credentials ?? {}) as { elasticPassword?: string };
  if (!elasticPassword) throw new Error('Elasticsearch and Kibana do not run. Start them with "npm run up".');
  const cluster =
    config.target === "existing"
      ? { path: kubeconfigPath(config.kubeconfig || undefined), context: config.kubeContext }
      : String(outputs.kubeconfig);
  const target = { namespace: config.loggingNamespace, name, port: ports[name] };
  return { ...(await forwardPort(cluster, target, localPort)), password: elasticPassword };
}
