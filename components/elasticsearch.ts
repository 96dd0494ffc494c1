import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { elasticsearchClient, labels, selectorLabels } from "./labels.ts";
import type { LoggingConfiguration } from "./loggingConfiguration.ts";
import { elasticsearchName } from "./loggingNames.ts";
import { clientPolicy } from "./networkPolicies.ts";
import { childOptions, dependencies } from "./options.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  secretVariable,
} from "./pods.ts";

export interface ElasticsearchArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Image of Elasticsearch 8. */
  image: pulumi.Input<string>;
  /** Secrets that Elasticsearch reads. */
  configuration: LoggingConfiguration;
  /** Heap of the Java machine, such as `512m` or `2g`. Defaults to `512m`. */
  heap?: string;
  /** Size of the volume that holds the data, such as `5Gi`. Defaults to `5Gi`. */
  storage?: pulumi.Input<string>;
  /** StorageClass of that volume. Defaults to the cluster's own. */
  storageClass?: string | undefined;
  /** Labels of the nodes that hold the image. Defaults to all nodes. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

// The user of the published image, which writes its keystore as a member of the group root.
const elasticsearchUser = 1000;

/**
 * Elasticsearch: one node with a persistent volume behind a headless Service, with passwords, reachable by the pods marked
 * as its clients.
 */
export class Elasticsearch extends pulumi.ComponentResource {
  /** The StatefulSet: ready when Elasticsearch answers. */
  readonly statefulSet: k8s.apps.v1.StatefulSet;

  constructor(name: string, args: ElasticsearchArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Elasticsearch", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { name: elasticsearchName, namespace: args.namespace, labels: labels(elasticsearchName) };
    const networkPolicy = clientPolicy(
      `${name}-clients`,
      { namespace: args.namespace, component: elasticsearchName, port: "http", client: elasticsearchClient },
      options,
    );
    this.statefulSet = new k8s.apps.v1.StatefulSet(
      `${name}-statefulset`,
      { metadata, spec: statefulSetSpec(args) },
      { ...options, dependsOn: [...dependencies(opts), networkPolicy] },
    );
    this.registerOutputs({ statefulSet: this.statefulSet });
  }
}

function statefulSetSpec(args: ElasticsearchArgs): k8s.types.input.apps.v1.StatefulSetSpec {
  const heap = args.heap ?? "512m";
  const memory = memoryLimit(heap);
  const answers = { tcpSocket: { port: "http" } };
  return {
    serviceName: elasticsearchName,
    replicas: 1,
    selector: { matchLabels: selectorLabels(elasticsearchName) },
    template: {
      metadata: { labels: labels(elasticsearchName) },
      spec: {
        ...podDefaults,
        ...(args.nodeSelector && { nodeSelector: args.nodeSelector }),
        securityContext: { ...podSecurityContext(elasticsearchUser), runAsGroup: 0 },
        terminationGracePeriodSeconds: 60,
        containers: [
          {
            name: elasticsearchName,
            image: args.image,
            imagePullPolicy: "IfNotPresent",
            env: [
              ...Object.entries({ ...elasticsearchSettings, ES_JAVA_OPTS: `-Xms${heap} -Xmx${heap}` }).map(
                ([variable, value]) => ({ name: variable, value }),
              ),
              // Not as a file: the image refuses one whose mode is not 0400 or 0600, and a volume's files are the group's.
              secretVariable("ELASTIC_PASSWORD", args.configuration.elastic.metadata.name, "ELASTIC_PASSWORD"),
            ],
            ports: [{ name: "http", containerPort: 9200 }],
            // The image's entrypoint writes the keystore beside the configuration.
            securityContext: { ...containerSecurityContext, readOnlyRootFilesystem: false },
            resources: containerResources({ cpu: "100m", memory, disk: "64Mi" }, { cpu: "2", memory, disk: "1Gi" }),
            // By socket: each path asks for a password. Who sets it up waits until it accepts one.
            startupProbe: { ...answers, periodSeconds: 2, failureThreshold: 150 },
            readinessProbe: { ...answers, periodSeconds: 5 },
            livenessProbe: { ...answers, periodSeconds: 20, failureThreshold: 6 },
            volumeMounts: [{ name: "data", mountPath: "/usr/share/elasticsearch/data" }],
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data", labels: labels(elasticsearchName) },
        spec: {
          accessModes: ["ReadWriteOnce"],
          ...(args.storageClass && { storageClassName: args.storageClass }),
          resources: { requests: { storage: args.storage ?? "5Gi" } },
        },
      },
    ],
  };
}

/** Settings of elasticsearch.yml: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docker.html */
const elasticsearchSettings = {
  "cluster.name": "koa-blog",
  "discovery.type": "single-node",
  "xpack.security.enabled": "true",
  "xpack.security.enrollment.enabled": "false",
  // No certificates: who may connect is said by passwords and a NetworkPolicy, and nothing leaves the cluster.
  "xpack.security.http.ssl.enabled": "false",
  "xpack.security.transport.ssl.enabled": "false",
  // Not dependent on the machine's vm.max_map_count.
  "node.store.allow_mmap": "false",
  // What is not used here costs no memory, and fetches nothing.
  "xpack.ml.enabled": "false",
  "ingest.geoip.downloader.enabled": "false",
  // A laptop's disk is often over 90 % full: what counts is what is left, not the share of it.
  "cluster.routing.allocation.disk.watermark.low": "2gb",
  "cluster.routing.allocation.disk.watermark.high": "1gb",
  "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
};

/** Memory of the container: the heap and what Java, Lucene and the file cache need beside it, 768 MiB or as much again. */
export function memoryLimit(heap: string): string {
  const mebibytes = parseInt(heap, 10) * (heap.endsWith("g") ? 1024 : 1);
  return `${String(mebibytes + Math.max(mebibytes, 768))}Mi`;
}
