import { existsSync } from "node:fs";

import { kubeconfigPath } from "../../components/kubeconfigPath.ts";
import { elasticsearchName, kibanaName } from "../../components/loggingNames.ts";
import { hasLogging, passphraseFile, settings } from "./project.ts";
import { stackOutputs } from "./stack.ts";

const ports = { [elasticsearchName]: 9200, [kibanaName]: 5601 };

/** Elasticsearch or Kibana, on a port of this machine. */
export interface OpenLogging {
  port: number;
  /** Password of the user `elastic`. */
  password: string;
  close: () => void;
}

/**
 * Makes Elasticsearch or Kibana reachable on this machine.
 *
 * @param localPort - defaults to a free one
 * @throws Error if the stack has no logging, or is not up
 */
export async function openLogging(name: keyof typeof ports, localPort?: number): Promise<OpenLogging> {
  const config = settings();
  if (config.target === "containers") {
    throw new Error('Plain containers have no log store: "npm run logs" shows the blog\'s');
  }
  if (!hasLogging(config)) {
    throw new Error(
      'This stack collects no logs: run "npm run pulumi -- config set logging true", then "npm run up". ' +
        'Meanwhile "npm run logs" shows those of the blog',
    );
  }
  // Kubernetes' client library takes a second to load, and Pulumi two to answer.
  const [{ forwardPort, portOf }, outputs] = await Promise.all([
    import("./portForward.ts"),
    existsSync(passphraseFile) ? stackOutputs() : undefined,
  ]);
  const { elasticPassword } = (outputs?.credentials ?? {}) as { elasticPassword?: string };
  if (!elasticPassword) throw new Error('The logging stack is not up: run "npm run up"');
  const target = { namespace: config.loggingNamespace, name, port: ports[name] };
  const cluster =
    config.target === "existing"
      ? { path: kubeconfigPath(config.kubeconfig || undefined), context: config.kubeContext }
      : String(outputs?.kubeconfig);
  const server = await forwardPort(cluster, target, localPort);
  return { port: portOf(server), password: elasticPassword, close: () => void server.close() };
}
