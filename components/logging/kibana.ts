import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { elasticsearchClient, kibanaClient, labels, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import { containerDefaults, containerResources, podDefaults, secretVariable } from "../kubernetes/podDefaults.ts";
import type { LoggingPodArgs } from "./loggingConfiguration.ts";
import { elasticsearchName, kibanaName } from "./loggingNames.ts";

export interface KibanaArgs extends LoggingPodArgs {
  /** Whether to admit connections from outside the cluster, through a node port. */
  exposed: boolean;
}

/** The user `kibana` of the image. */
const kibanaUser = 1000;

/** Kibana in one pod, with its own Elasticsearch user. Its version is the same as that of Elasticsearch. */
export class Kibana extends pulumi.ComponentResource {
  constructor(name: string, args: KibanaArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Kibana", name, {}, opts);
    const metadata = objectMetadata(kibanaName, args.namespace);
    const clients = [allow("http", args.exposed ? undefined : kibanaClient)];
    const policy = networkPolicy(`${name}-clients`, metadata, clients, childOptions(this, opts));
    new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: 1,
          // Two versions at the same time would both migrate Kibana's indices in Elasticsearch.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selectorLabels(kibanaName) },
          template: { metadata: { labels: { ...labels(kibanaName), ...elasticsearchClient } }, spec: podSpec(args) },
        },
      },
      childOptions(this, opts, policy),
    );
    this.registerOutputs();
  }
}

function podSpec(args: KibanaArgs): k8s.types.input.core.v1.PodSpec {
  const { kibana, kibanaEncryption } = args.configuration;
  // Needs no password. Answers 200 once Kibana can log in to Elasticsearch (elastic/cloud-on-k8s#9468).
  const available = { httpGet: { path: "/api/status", port: "http" }, timeoutSeconds: 5 };
  const encryptionKey = (name: string) => secretVariable(name, kibanaEncryption, "KIBANA_ENCRYPTION_KEY");
  return {
    ...podDefaults(kibanaUser),
    containers: [
      {
        ...containerDefaults,
        name: kibanaName,
        image: args.image,
        // Settings of kibana.yml: https://www.elastic.co/guide/en/kibana/8.19/docker.html
        env: [
          { name: "ELASTICSEARCH_HOSTS", value: `http://${elasticsearchName}:9200` },
          { name: "ELASTICSEARCH_USERNAME", value: "kibana_system" },
          { name: "TELEMETRY_ENABLED", value: "false" },
          // By default, Node.js derives its heap size from the node's memory, which leads to OOM kills.
          { name: "NODE_OPTIONS", value: "--max-old-space-size=1024" },
          // The image reads settings from variables and kibana.yml only.
          secretVariable("ELASTICSEARCH_PASSWORD", kibana, "KIBANA_PASSWORD"),
          // Without fixed keys, each restart ends all sessions and makes encrypted objects unreadable.
          encryptionKey("XPACK_SECURITY_ENCRYPTIONKEY"),
          encryptionKey("XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY"),
          encryptionKey("XPACK_REPORTING_ENCRYPTIONKEY"),
        ],
        ports: [{ name: "http", containerPort: 5601 }],
        resources: containerResources(
          { cpu: "100m", memory: "512Mi", disk: "64Mi" },
          { cpu: "2", memory: "1536Mi", disk: "1Gi" },
        ),
        startupProbe: { ...available, periodSeconds: 3, failureThreshold: 200 },
        readinessProbe: { ...available, periodSeconds: 10 },
        // /api/status fails without Elasticsearch, and a restart of Kibana would not fix that.
        livenessProbe: { tcpSocket: { port: "http" }, periodSeconds: 20, failureThreshold: 6 },
        volumeMounts: [
          { name: "data", mountPath: "/usr/share/kibana/data" },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "data", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
    ],
  };
}
