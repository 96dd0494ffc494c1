import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import type { PodImage } from "../cluster/place.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import {
  beforePods,
  elasticsearchClient,
  kibanaClient,
  labels,
  objectMetadata,
  selectorLabels,
} from "../kubernetes/labels.ts";
import { Elasticsearch } from "./elasticsearch.ts";
import { Fluentd } from "./fluentd.ts";
import { Kibana } from "./kibana.ts";
import { LoggingConfiguration } from "./loggingConfiguration.ts";
import { elasticsearchName, kibanaName } from "./loggingNames.ts";
import { LoggingSetup } from "./loggingSetup.ts";

export interface LoggingArgs extends StackConfig {
  /** Images of the pods. The setup Jobs run on the image of Node.js. */
  images: Record<"elasticsearch" | "kibana" | "fluentd" | "node", PodImage>;
}

/** Collects the logs of all pods with Fluentd, Elasticsearch and Kibana, in a namespace of their own. */
export class Logging extends pulumi.ComponentResource {
  /** The generated or configured passwords. Secret. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: LoggingArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Logging", name, {}, opts);
    const options = childOptions(this, opts);
    const after = (...dependsOn: pulumi.Resource[]) => ({ ...options, dependsOn });
    const { loggingNamespace: namespace, images } = args;

    const namespaceObject = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: namespace,
          // Fluentd mounts the nodes' log files. The standard "baseline" forbids hostPath volumes.
          labels: { ...labels("logging"), "pod-security.kubernetes.io/enforce": "privileged" },
        },
      },
      options,
    );
    const configuration = new LoggingConfiguration(name, args, after(namespaceObject));
    const denyAll = new k8s.networking.v1.NetworkPolicy(
      `${name}-deny-ingress`,
      {
        metadata: { name: "deny-ingress", namespace, labels: labels("logging") },
        spec: { podSelector: {}, policyTypes: ["Ingress"] },
      },
      after(namespaceObject),
    );
    const elasticsearchService = new k8s.core.v1.Service(
      `${name}-elasticsearch-service`,
      {
        metadata: objectMetadata(elasticsearchName, namespace),
        spec: {
          clusterIP: "None",
          selector: selectorLabels(elasticsearchName),
          ports: [{ name: "http", port: 9200, targetPort: "http" }],
        },
      },
      after(configuration),
    );
    const kibanaService = new k8s.core.v1.Service(
      `${name}-kibana-service`,
      {
        metadata: { ...objectMetadata(kibanaName, namespace), annotations: beforePods },
        spec: {
          type: args.kibanaNodePort ? "NodePort" : "ClusterIP",
          selector: selectorLabels(kibanaName),
          ports: [
            {
              name: "http",
              port: 5601,
              targetPort: "http",
              ...(args.kibanaNodePort && { nodePort: args.kibanaNodePort }),
            },
          ],
        },
      },
      after(configuration),
    );
    const elasticsearch = new Elasticsearch(
      `${name}-elasticsearch`,
      {
        namespace,
        image: images.elasticsearch.reference,
        configuration,
        storageClass: args.storageClass,
        heap: args.elasticsearchHeap,
        storage: args.elasticsearchStorage,
      },
      after(configuration, denyAll, elasticsearchService, kibanaService, ...images.elasticsearch.dependsOn),
    );
    const setup = { namespace, image: images.node.reference, elastic: configuration.elastic };
    const elasticsearchSetup = new LoggingSetup(
      `${name}-elasticsearch-setup`,
      {
        ...setup,
        target: `http://${elasticsearchName}:9200`,
        client: elasticsearchClient,
        requests: configuration.elasticsearchSetup,
        passwords: [
          { secret: configuration.fluentdUser, key: "FLUENTD_PASSWORD" },
          { secret: configuration.kibana, key: "KIBANA_PASSWORD" },
        ],
      },
      after(elasticsearch, ...images.node.dependsOn),
    );
    new Fluentd(
      `${name}-fluentd`,
      { namespace, image: images.fluentd.reference, configuration },
      after(elasticsearchSetup, ...images.fluentd.dependsOn),
    );
    const kibana = new Kibana(
      `${name}-kibana`,
      { namespace, image: images.kibana.reference, configuration, exposed: args.kibanaNodePort !== undefined },
      after(elasticsearchSetup, ...images.kibana.dependsOn),
    );
    new LoggingSetup(
      `${name}-kibana-setup`,
      {
        ...setup,
        target: `http://${kibanaName}:5601`,
        client: kibanaClient,
        requests: configuration.kibanaSetup,
      },
      after(kibana, kibanaService),
    );
    this.credentials = configuration.credentials;
    this.registerOutputs({ credentials: this.credentials });
  }
}
