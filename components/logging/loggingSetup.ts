import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { secretsFolder } from "../kubernetes/contract.ts";
import { labels } from "../kubernetes/labels.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVolume,
} from "../kubernetes/podDefaults.ts";

export interface LoggingSetupArgs {
  /** Namespace of the Job. */
  namespace: pulumi.Input<string>;
  /** Image with Node.js 22.18 or later. */
  image: pulumi.Input<string>;
  /** Base URL of Elasticsearch or Kibana. */
  target: string;
  /** Label of the pods that may connect to it. */
  client: Record<string, string>;
  /** ConfigMap with requests.json, its files and apply.mts. */
  requests: k8s.core.v1.ConfigMap;
  /** Secret of the superuser elastic, whose password the requests need. */
  elastic: k8s.core.v1.Secret;
  /** Passwords that the requests set. Defaults to none. */
  passwords?: { secret: k8s.core.v1.Secret; key: string }[];
}

/** The user `node` of the image. */
const nodeUser = 1000;

/**
 * A Job that sends requests to Elasticsearch or Kibana until each is accepted. The requests are idempotent, so the Job
 * may run again. Pulumi waits until the Job is complete.
 */
export class LoggingSetup extends pulumi.ComponentResource {
  constructor(name: string, args: LoggingSetupArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:LoggingSetup", name, {}, opts);
    const { passwords = [] } = args;
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        metadata: { namespace: args.namespace, labels: labels(name) },
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: 900,
          template: {
            metadata: { labels: { ...labels(name), ...args.client } },
            spec: {
              ...podDefaults(nodeUser),
              restartPolicy: "Never",
              containers: [
                {
                  ...containerDefaults,
                  name: "setup",
                  image: args.image,
                  command: ["node", "/etc/koa-blog/apply.mts", "/etc/koa-blog/requests.json"],
                  env: [
                    { name: "TARGET", value: args.target },
                    { name: "USERNAME", value: "elastic" },
                    { name: "PASSWORD_FILE", value: `${secretsFolder}/ELASTIC_PASSWORD` },
                    ...secretFileVariables(passwords.map(({ key }) => key)),
                  ],
                  resources: containerResources(
                    { cpu: "50m", memory: "96Mi", disk: "16Mi" },
                    { cpu: "1", memory: "96Mi", disk: "128Mi" },
                  ),
                  volumeMounts: [{ name: "requests", mountPath: "/etc/koa-blog", readOnly: true }, secretMount],
                },
              ],
              volumes: [
                { name: "requests", configMap: { name: args.requests.metadata.name } },
                secretVolume([args.elastic, ...passwords.map(({ secret }) => secret)]),
              ],
            },
          },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs();
  }
}
