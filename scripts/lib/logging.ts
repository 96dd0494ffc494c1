import { existsSync } from "node:fs";
import type { Server } from "node:net";

import { elasticsearchName, kibanaName } from "../../components/loggingConfiguration.ts";
import { forwardPort } from "./portForward.ts";
import { hasLogging, passphraseFile, settings } from "./project.ts";
import { stackOutputs } from "./stack.ts";

const ports = { [elasticsearchName]: 9200, [kibanaName]: 5601 };

/**
 * Makes Elasticsearch or Kibana reachable on this machine.
 *
 * @param localPort - defaults to a free one
 * @returns the listening server, and the password of the user `elastic`
 * @throws Error if the stack has no logging, or is not up
 */
export async function openLogging(
  name: keyof typeof ports,
  localPort?: number,
): Promise<{ server: Server; password: string }> {
  const config = settings();
  if (!hasLogging(config)) {
    throw new Error(
      'This stack collects no logs: run "npm run pulumi -- config set logging true", then "npm run up". ' +
        'Meanwhile "npm run logs" shows those of the blog',
    );
  }
  const { kubeconfig, credentials } = existsSync(passphraseFile) ? await stackOutputs() : {};
  const { elasticPassword } = (credentials ?? {}) as { elasticPassword?: string };
  if (!elasticPassword) throw new Error('The logging stack is not up: run "npm run up"');
  const target = { namespace: config.loggingNamespace, name, port: ports[name] };
  return { server: await forwardPort(String(kubeconfig), target, localPort), password: elasticPassword };
}
