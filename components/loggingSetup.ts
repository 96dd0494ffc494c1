import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { secretsFolder } from "./contract.ts";
import { labels } from "./labels.ts";
import { childOptions } from "./options.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  secretFileVariables,
  secretVolume,
} from "./pods.ts";

export interface LoggingSetupArgs {
  /** Namespace of the Job. */
  namespace: pulumi.Input<string>;
  /** Image with Node.js 22.18 or later. */
  image: pulumi.Input<string>;
  /** Base URL of what is set up. */
  target: string;
  /** Label of the pods that may talk to it. */
  client: Record<string, string>;
  /** ConfigMap of the requests and of what sends them: requests.json, apply.mts. */
  requests: k8s.core.v1.ConfigMap;
  /** Secret of Elasticsearch's superuser, who sends them. */
  elastic: k8s.core.v1.Secret;
  /** Secrets with passwords that the requests set, and their keys. Defaults to none. */
  passwords?: { secret: k8s.core.v1.Secret; key: string }[];
  /** Labels of the nodes that hold the image. Defaults to all nodes. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

// The user `node` of the image.
const nodeUser = 1000;

/**
 * A Job that sends requests to Elasticsearch or Kibana until each is accepted. It may run again: requests, not scripts, say
 * what there is to be. The program waits until it has.
 */
export class LoggingSetup extends pulumi.ComponentResource {
  readonly job: k8s.batch.v1.Job;

  constructor(name: string, args: LoggingSetupArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:LoggingSetup", name, {}, opts);
    const passwords = args.passwords ?? [];
    const [passwordVariable] = secretFileVariables(["ELASTIC_PASSWORD"]);
    this.job = new k8s.batch.v1.Job(
      `${name}-job`,
      {
        metadata: { namespace: args.namespace, labels: labels(name) },
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: 900,
          template: {
            metadata: { labels: { ...labels(name), ...args.client } },
            spec: {
              ...podDefaults,
              ...(args.nodeSelector && { nodeSelector: args.nodeSelector }),
              restartPolicy: "Never",
              securityContext: podSecurityContext(nodeUser),
              containers: [
                {
                  name: "setup",
                  image: args.image,
                  imagePullPolicy: "IfNotPresent",
                  command: ["node", "/etc/koa-blog/apply.mts", "/etc/koa-blog/requests.json"],
                  env: [
                    { name: "TARGET", value: args.target },
                    { name: "USERNAME", value: "elastic" },
                    { ...passwordVariable, name: "PASSWORD_FILE" },
                    ...secretFileVariables(passwords.map(({ key }) => key)),
                  ],
                  securityContext: containerSecurityContext,
                  resources: containerResources(
                    { cpu: "50m", memory: "96Mi", disk: "16Mi" },
                    { cpu: "1", memory: "96Mi", disk: "128Mi" },
                  ),
                  volumeMounts: [
                    { name: "requests", mountPath: "/etc/koa-blog", readOnly: true },
                    { name: "secrets", mountPath: secretsFolder, readOnly: true },
                  ],
                },
              ],
              volumes: [
                { name: "requests", configMap: { name: args.requests.metadata.name } },
                secretVolume(
                  "secrets",
                  [args.elastic, ...passwords.map(({ secret }) => secret)].map(({ metadata }) => metadata.name),
                ),
              ],
            },
          },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs({ job: this.job });
  }
}
