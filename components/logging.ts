import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { ClusterImages, pulledImages } from "./clusterImages.ts";
import { Elasticsearch } from "./elasticsearch.ts";
import { Fluentd } from "./fluentd.ts";
import { Kibana } from "./kibana.ts";
import type { KindCluster } from "./kindCluster.ts";
import { beforePods, elasticsearchClient, kibanaClient, labels, selectorLabels } from "./labels.ts";
import { LoggingConfiguration, type LoggingConfigurationArgs } from "./loggingConfiguration.ts";
import { elasticsearchName, kibanaName } from "./loggingNames.ts";
import { LoggingSetup } from "./loggingSetup.ts";
import { childOptions } from "./options.ts";

export interface LoggingArgs extends LoggingConfigurationArgs {
  /** The cluster, whose nodes get the images. Defaults to one whose nodes pull them. */
  cluster?: KindCluster;
  /** Image of Elasticsearch 8. */
  elasticsearchImage: pulumi.Input<string>;
  /** Image of Kibana, of the same version. */
  kibanaImage: pulumi.Input<string>;
  /** Image of Fluentd with the plugins of `fluent/fluentd-kubernetes-daemonset`. */
  fluentdImage: pulumi.Input<string>;
  /** Node.js image that runs the set-up Jobs. */
  baseImage: pulumi.Input<string>;
  /** Heap of Elasticsearch, such as `512m` or `2g`. Defaults to `512m`. */
  elasticsearchHeap?: string;
  /** Size of Elasticsearch's volume. Defaults to `5Gi`. */
  elasticsearchStorage?: pulumi.Input<string>;
  /** StorageClass of that volume. Defaults to the cluster's own. */
  storageClass?: string | undefined;
  /** Port of every node on which Kibana answers, 30000 to 32767. Defaults to none. */
  kibanaNodePort?: number | undefined;
}

/**
 * The logs of all pods, searchable: Fluentd on every node, one Elasticsearch, one Kibana, in a namespace of their own. They
 * come up in the order in which they need each other; nothing else waits for them.
 */
export class Logging extends pulumi.ComponentResource {
  /** The generated or configured passwords. Secret. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: LoggingArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Logging", name, {}, opts);
    const options = childOptions(this, opts);
    const after = (...dependsOn: pulumi.Resource[]) => ({ ...options, dependsOn });
    const { namespace } = args;
    const { references, loads, nodeSelector } = loggingImages(name, args, this);

    const namespaceObject = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: namespace,
          // Fluentd reads the nodes' log files, which even the standard "baseline" forbids.
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
        metadata: { name: elasticsearchName, namespace, labels: labels(elasticsearchName) },
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
        metadata: {
          name: kibanaName,
          namespace,
          labels: labels(kibanaName),
          annotations: beforePods,
        },
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
        image: references.elasticsearch,
        configuration,
        ...nodeSelector,
        storageClass: args.storageClass,
        ...(args.elasticsearchHeap && { heap: args.elasticsearchHeap }),
        ...(args.elasticsearchStorage && { storage: args.elasticsearchStorage }),
      },
      after(configuration, denyAll, elasticsearchService, kibanaService, ...loads.elasticsearch),
    );
    const setup = { namespace, image: references.node, elastic: configuration.elastic, ...nodeSelector };
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
      after(elasticsearch, ...loads.node),
    );
    new Fluentd(
      `${name}-fluentd`,
      { namespace, image: references.fluentd, configuration },
      after(elasticsearchSetup, ...loads.fluentd),
    );
    const kibana = new Kibana(
      `${name}-kibana`,
      {
        namespace,
        image: references.kibana,
        configuration,
        ...nodeSelector,
        exposed: args.kibanaNodePort !== undefined,
      },
      after(elasticsearchSetup, ...loads.kibana),
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

/**
 * The images, and the nodes that have them. Nodes that cannot pull get them from the local engine, one worker the large ones:
 * Elasticsearch's volume is on one node anyway.
 */
function loggingImages(name: string, args: LoggingArgs, parent: pulumi.Resource) {
  const { cluster, elasticsearchImage, kibanaImage, fluentdImage, baseImage } = args;
  if (!cluster) {
    const images = { elasticsearch: elasticsearchImage, kibana: kibanaImage, fluentd: fluentdImage, node: baseImage };
    return { ...pulledImages(images), nodeSelector: {} };
  }
  const worker = cluster.workerNodes.apply((names) => names.at(-1) ?? "");
  const images = new ClusterImages(
    `${name}-images`,
    {
      clusterName: cluster.clusterName,
      nodes: worker.apply((node) => [node]),
      clusterIdentity: cluster.identity,
      images: {
        elasticsearch: { reference: elasticsearchImage, origin: "registry" },
        kibana: { reference: kibanaImage, origin: "registry" },
        fluentd: { reference: fluentdImage, origin: "registry", nodes: cluster.nodes },
        node: { reference: baseImage, origin: "registry" },
      },
    },
    { parent, deletedWith: cluster.cluster, dependsOn: [cluster.cluster] },
  );
  return {
    references: images.references,
    loads: images.loads,
    nodeSelector: { nodeSelector: { "kubernetes.io/hostname": worker } },
  };
}
