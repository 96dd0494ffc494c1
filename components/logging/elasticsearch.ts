import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { elasticsearchClient, labels, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import { containerDefaults, podDefaults, secretVariable } from "../kubernetes/podDefaults.ts";
import type { LoggingPodArgs } from "./loggingPod.ts";

export interface ElasticsearchArgs extends LoggingPodArgs {
  /** Secret with ELASTIC_PASSWORD, the password of the superuser `elastic`. */
  elasticUser: k8s.core.v1.Secret;
  /** Java heap, such as `512m` or `2g`. Defaults to `512m`. */
  heap?: pulumi.Input<string> | undefined;
  /** Size of a new volume, such as `5Gi`. An existing volume keeps its size. Defaults to `5Gi`. */
  storage?: pulumi.Input<string> | undefined;
  /** StorageClass of a new volume. Defaults to the default class of the cluster. */
  storageClass?: pulumi.Input<string> | undefined;
}

/** Name of the Service and the StatefulSet. logging/fluentd/elasticsearch.conf has the same name. */
const elasticsearchName = "elasticsearch";

/** Size of a new volume. */
export const defaultStorage = "5Gi";

/** The user `elasticsearch` of the image. Its group is root, which may write the keystore. */
const elasticsearchUser = 1000;

/** One node of Elasticsearch 8 with a persistent volume. Clients need a password and the label of a client. */
export class Elasticsearch extends pulumi.ComponentResource {
  /** URL in the namespace. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: ElasticsearchArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Elasticsearch", name, {}, opts);
    const metadata = objectMetadata(elasticsearchName, args.namespace);
    const selector = selectorLabels(elasticsearchName);
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata, spec: { clusterIP: "None", selector, ports: [{ name: "http", port: 9200, targetPort: "http" }] } },
      { parent: this },
    );
    const policy = networkPolicy(`${name}-network-policy`, metadata, [allow("http", elasticsearchClient)], {
      parent: this,
    });
    new k8s.apps.v1.StatefulSet(
      `${name}-statefulset`,
      {
        metadata,
        spec: {
          serviceName: service.metadata.name,
          replicas: 1,
          // With the default, a pod that never becomes ready blocks its own correction (kubernetes/kubernetes#67250).
          podManagementPolicy: "Parallel",
          selector: { matchLabels: selector },
          template: { metadata: { labels: labels(elasticsearchName) }, spec: podSpec(args) },
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: {
                accessModes: ["ReadWriteOnce"],
                ...(args.storageClass !== undefined && { storageClassName: args.storageClass }),
                resources: { requests: { storage: args.storage ?? defaultStorage } },
              },
            },
          ],
        },
      },
      // Claim templates are immutable, so a change would replace the StatefulSet. Its volume would stay as it is.
      {
        parent: this,
        dependsOn: [policy],
        ignoreChanges: ["spec.volumeClaimTemplates"],
        // Longer than the startup probe waits. Pulumi's own is 10 minutes.
        customTimeouts: { create: "35m", update: "35m" },
      },
    );
    this.url = pulumi.interpolate`http://${service.metadata.name}:9200`;
    this.registerOutputs({ url: this.url });
  }
}

function podSpec({ image, imagePullSecrets, elasticUser, heap = "512m" }: ElasticsearchArgs) {
  const memory = pulumi.output(heap).apply(memoryLimit);
  const probe = { tcpSocket: { port: "http" } };
  const settings = { ...elasticsearchSettings, ES_JAVA_OPTS: pulumi.output(heap).apply(javaOptions) };
  const defaults = podDefaults(elasticsearchUser);
  return {
    ...defaults,
    ...(imagePullSecrets && { imagePullSecrets }),
    securityContext: { ...defaults.securityContext, runAsGroup: 0 },
    terminationGracePeriodSeconds: 60,
    containers: [
      {
        ...containerDefaults,
        name: elasticsearchName,
        image,
        env: [
          ...Object.entries(settings).map(([name, value]) => ({ name, value })),
          // The image accepts a password file with mode 0400 or 0600 only, and a volume's files have 0440.
          secretVariable("ELASTIC_PASSWORD", elasticUser),
        ],
        ports: [{ name: "http", containerPort: 9200 }],
        // The image's entrypoint writes the keystore next to the configuration.
        securityContext: { ...containerDefaults.securityContext, readOnlyRootFilesystem: false },
        resources: {
          requests: { cpu: "100m", memory, "ephemeral-storage": "64Mi" },
          limits: { cpu: "2", memory, "ephemeral-storage": "1Gi" },
        },
        // All HTTP paths need a password, so the probes only connect.
        // A slow disk takes many minutes, and a restart would begin again.
        startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 900 },
        readinessProbe: { ...probe, periodSeconds: 5 },
        livenessProbe: { ...probe, periodSeconds: 20, failureThreshold: 6 },
        volumeMounts: [{ name: "data", mountPath: "/usr/share/elasticsearch/data" }],
      },
    ],
  } satisfies k8s.types.input.core.v1.PodSpec;
}

/** Settings of elasticsearch.yml: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docker.html */
const elasticsearchSettings = {
  "cluster.name": "koa-blog",
  "discovery.type": "single-node",
  "xpack.security.enabled": "true",
  "xpack.security.enrollment.enabled": "false",
  // The traffic stays in the cluster. Passwords and a NetworkPolicy limit access.
  "xpack.security.http.ssl.enabled": "false",
  "xpack.security.transport.ssl.enabled": "false",
  // mmap would need a higher vm.max_map_count on the host.
  "node.store.allow_mmap": "false",
  // Machine learning would use memory, and GeoIP would download databases.
  "xpack.ml.enabled": "false",
  "ingest.geoip.downloader.enabled": "false",
  // The default watermarks are percentages, and a laptop's disk is often over 90 % full. free-disk.sh deletes old logs
  // before "high" is reached.
  "cluster.routing.allocation.disk.watermark.low": "2gb",
  "cluster.routing.allocation.disk.watermark.high": "1gb",
  "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
};

/** The heap, plus the same size or at least 768 MiB for the JVM, Lucene and the page cache. */
export function memoryLimit(heap: string): string {
  const mebibytes = parseInt(heap, 10) * (heap.endsWith("g") ? 1024 : 1);
  return `${String(mebibytes + Math.max(mebibytes, 768))}Mi`;
}

/** A tenth of the volume. Logs are deleted by whole indices, so an index must be a small part of it. */
export function rolloverSize(storage: string): string {
  const mebibytes = parseInt(storage, 10) * ({ Mi: 1, Gi: 1024, Ti: 1024 ** 2 }[storage.slice(-2)] ?? NaN);
  return `${String(Math.ceil(mebibytes / 10))}mb`;
}

/**
 * Options of the JVM, with warnings on stderr only. By default, GC logs of up to 2 GiB go to files in the container.
 * The kubelet would evict the pod for its ephemeral storage (helm/charts#14716).
 */
export function javaOptions(heap: string): string {
  return `-Xms${heap} -Xmx${heap} -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags`;
}
