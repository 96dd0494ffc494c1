import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { generatedPassword } from "../kubernetes/generatedPassword.ts";
import { immutableSecret } from "../kubernetes/immutableObjects.ts";
import {
  elasticsearchClient,
  kibanaClient,
  labels,
  objectMetadata,
  selectorLabels,
  skipAwait,
} from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import { containerDefaults, containerResources, podDefaults, secretVariable } from "../kubernetes/podDefaults.ts";
import type { LoggingPodArgs } from "./loggingPod.ts";

export interface KibanaArgs extends LoggingPodArgs {
  elasticsearchUrl: pulumi.Input<string>;
  /** Secret with KIBANA_PASSWORD, the password of the Elasticsearch user `kibana_system`. */
  kibanaUser: k8s.core.v1.Secret;
  /** Port on the nodes, 30000 to 32767. Defaults to none. Then only pods with the label of a client can connect. */
  nodePort?: pulumi.Input<number> | undefined;
}

/** Name of the Service and the Deployment. */
const kibanaName = "kibana";

/** The user `kibana` of the image. */
const imageUser = 1000;

/** Kibana in one pod, with its own Elasticsearch user. Its version is the same as that of Elasticsearch. */
export class Kibana extends pulumi.ComponentResource {
  /** URL in the namespace. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: KibanaArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Kibana", name, {}, opts);
    const { namespace, nodePort } = args;
    const metadata = objectMetadata(kibanaName, namespace);
    const selector = selectorLabels(kibanaName);
    const encryption = immutableSecret(
      `${name}-encryption`,
      { namespace, labels: labels(kibanaName) },
      { KIBANA_ENCRYPTION_KEY: generatedPassword(`${name}-encryption-key`, { parent: this }) },
      { parent: this },
    );
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { ...metadata, annotations: skipAwait },
        spec: {
          type: nodePort === undefined ? "ClusterIP" : "NodePort",
          selector,
          ports: [{ name: "http", port: 5601, targetPort: "http", ...(nodePort !== undefined && { nodePort }) }],
        },
      },
      { parent: this },
    );
    const clients = allow("http", nodePort === undefined ? kibanaClient : undefined);
    const policy = networkPolicy(`${name}-network-policy`, metadata, [clients], { parent: this });
    new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: 1,
          // Two versions at the same time would both migrate Kibana's indices in Elasticsearch.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: { ...labels(kibanaName), ...elasticsearchClient } },
            spec: podSpec(args, encryption),
          },
        },
      },
      { parent: this, dependsOn: [service, policy] },
    );
    this.url = pulumi.interpolate`http://${service.metadata.name}:5601`;
    this.registerOutputs({ url: this.url });
  }
}

function podSpec(args: KibanaArgs, encryption: k8s.core.v1.Secret): k8s.types.input.core.v1.PodSpec {
  // Needs no password. Answers 200 once Kibana can log in to Elasticsearch (elastic/cloud-on-k8s#9468).
  const probe = { httpGet: { path: "/api/status", port: "http" }, timeoutSeconds: 5 };
  const encryptionKey = (name: string) => secretVariable(name, encryption, "KIBANA_ENCRYPTION_KEY");
  return {
    ...podDefaults(imageUser),
    ...(args.imagePullSecrets && { imagePullSecrets: args.imagePullSecrets }),
    containers: [
      {
        ...containerDefaults,
        name: kibanaName,
        image: args.image,
        // Settings of kibana.yml: https://www.elastic.co/guide/en/kibana/8.19/docker.html
        env: [
          { name: "ELASTICSEARCH_HOSTS", value: args.elasticsearchUrl },
          { name: "ELASTICSEARCH_USERNAME", value: "kibana_system" },
          { name: "TELEMETRY_ENABLED", value: "false" },
          // By default, Node.js derives its heap size from the node's memory, which leads to OOM kills.
          { name: "NODE_OPTIONS", value: "--max-old-space-size=1024" },
          // The image reads settings from variables and kibana.yml only.
          secretVariable("ELASTICSEARCH_PASSWORD", args.kibanaUser, "KIBANA_PASSWORD"),
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
        startupProbe: { ...probe, periodSeconds: 3, failureThreshold: 200 },
        readinessProbe: { ...probe, periodSeconds: 10 },
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
