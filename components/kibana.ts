import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { elasticsearchClient, kibanaClient, labels, selectorLabels } from "./labels.ts";
import type { LoggingConfiguration } from "./loggingConfiguration.ts";
import { elasticsearchName, kibanaName } from "./loggingNames.ts";
import { clientPolicy } from "./networkPolicies.ts";
import { childOptions, dependencies } from "./options.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  secretVariable,
} from "./pods.ts";

export interface KibanaArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Image of Kibana, of Elasticsearch's version. */
  image: pulumi.Input<string>;
  /** Secrets that Kibana reads. */
  configuration: LoggingConfiguration;
  /** Whether connections from outside the cluster, through a node port, are let in. Defaults to false. */
  exposed?: boolean;
  /** Labels of the nodes that hold the image. Defaults to all nodes. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

// The user `kibana` of the published image.
const kibanaUser = 1000;

/** Kibana: one pod, logged in to Elasticsearch as a user of its own. */
export class Kibana extends pulumi.ComponentResource {
  /** The Deployment: ready when Kibana can use Elasticsearch. */
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: KibanaArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Kibana", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { name: kibanaName, namespace: args.namespace, labels: labels(kibanaName) };
    const networkPolicy = clientPolicy(
      `${name}-clients`,
      {
        namespace: args.namespace,
        component: kibanaName,
        port: "http",
        client: args.exposed ? undefined : kibanaClient,
      },
      options,
    );
    this.deployment = new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: 1,
          // Two of another version at a time would both migrate what Kibana keeps in Elasticsearch.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selectorLabels(kibanaName) },
          template: { metadata: { labels: { ...labels(kibanaName), ...elasticsearchClient } }, spec: podSpec(args) },
        },
      },
      { ...options, dependsOn: [...dependencies(opts), networkPolicy] },
    );
    this.registerOutputs({ deployment: this.deployment });
  }
}

function podSpec(args: KibanaArgs): k8s.types.input.core.v1.PodSpec {
  const { kibana, kibanaEncryption } = args.configuration;
  // Available once Elasticsearch accepts Kibana's password; asks for none itself (elastic/cloud-on-k8s#9468).
  const available = { httpGet: { path: "/api/status", port: "http" }, timeoutSeconds: 5 };
  const encryptionKey = (variable: string) =>
    secretVariable(variable, kibanaEncryption.metadata.name, "KIBANA_ENCRYPTION_KEY");
  return {
    ...podDefaults,
    ...(args.nodeSelector && { nodeSelector: args.nodeSelector }),
    securityContext: podSecurityContext(kibanaUser),
    containers: [
      {
        name: kibanaName,
        image: args.image,
        imagePullPolicy: "IfNotPresent",
        // Settings of kibana.yml: https://www.elastic.co/guide/en/kibana/8.19/docker.html
        env: [
          { name: "ELASTICSEARCH_HOSTS", value: `http://${elasticsearchName}:9200` },
          { name: "ELASTICSEARCH_USERNAME", value: "kibana_system" },
          { name: "TELEMETRY_ENABLED", value: "false" },
          // Node.js would size its heap by the machine's memory, not by the container's.
          { name: "NODE_OPTIONS", value: "--max-old-space-size=640" },
          // The image takes a setting from a variable or from kibana.yml, not from another file.
          secretVariable("ELASTICSEARCH_PASSWORD", kibana.metadata.name, "KIBANA_PASSWORD"),
          // Without fixed keys each restart would log everybody out, and lose what is encrypted.
          encryptionKey("XPACK_SECURITY_ENCRYPTIONKEY"),
          encryptionKey("XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY"),
          encryptionKey("XPACK_REPORTING_ENCRYPTIONKEY"),
        ],
        ports: [{ name: "http", containerPort: 5601 }],
        securityContext: containerSecurityContext,
        resources: containerResources(
          { cpu: "100m", memory: "512Mi", disk: "64Mi" },
          { cpu: "2", memory: "1Gi", disk: "1Gi" },
        ),
        startupProbe: { ...available, periodSeconds: 3, failureThreshold: 200 },
        readinessProbe: { ...available, periodSeconds: 10 },
        // Not its status: a restart of Kibana would not bring Elasticsearch back.
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
