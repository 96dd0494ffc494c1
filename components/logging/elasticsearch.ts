import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { elasticsearchClient, objectMetadata } from "../kubernetes/labels.ts";
import { containerDefaults, containerResources, podDefaults, secretVariable } from "../kubernetes/podDefaults.ts";
import { singlePod, type SinglePodArgs } from "../kubernetes/singlePod.ts";
import type { LoggingPodArgs } from "./loggingConfiguration.ts";
import { elasticsearchName } from "./loggingNames.ts";

export interface ElasticsearchArgs extends LoggingPodArgs, Pick<SinglePodArgs, "storage" | "storageClass"> {
  /** Java heap, such as `512m` or `2g`. */
  heap: string;
}

/** The user `elasticsearch` of the image. Its group is root, which may write the keystore. */
const elasticsearchUser = 1000;

/** One node of Elasticsearch 8 with a persistent volume. Clients need a password and the label of a client. */
export class Elasticsearch extends pulumi.ComponentResource {
  constructor(name: string, args: ElasticsearchArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Elasticsearch", name, {}, opts);
    const metadata = objectMetadata(elasticsearchName, args.namespace);
    singlePod(this, name, { ...args, metadata, port: "http", client: elasticsearchClient, pod: podSpec(args) }, opts);
    this.registerOutputs();
  }
}

function podSpec({ image, configuration, heap }: ElasticsearchArgs) {
  const memory = memoryLimit(heap);
  const defaults = podDefaults(elasticsearchUser);
  const answers = { tcpSocket: { port: "http" } };
  return {
    ...defaults,
    securityContext: { ...defaults.securityContext, runAsGroup: 0 },
    terminationGracePeriodSeconds: 60,
    containers: [
      {
        ...containerDefaults,
        name: elasticsearchName,
        image,
        env: [
          ...Object.entries({ ...elasticsearchSettings, ES_JAVA_OPTS: javaOptions(heap) }).map(([variable, value]) => ({
            name: variable,
            value,
          })),
          // The image accepts a password file with mode 0400 or 0600 only, and a volume's files have 0440.
          secretVariable("ELASTIC_PASSWORD", configuration.elastic),
        ],
        ports: [{ name: "http", containerPort: 9200 }],
        // The image's entrypoint writes the keystore next to the configuration.
        securityContext: { ...containerDefaults.securityContext, readOnlyRootFilesystem: false },
        resources: containerResources({ cpu: "100m", memory, disk: "64Mi" }, { cpu: "2", memory, disk: "1Gi" }),
        // All HTTP paths need a password, so the probes only connect.
        startupProbe: { ...answers, periodSeconds: 2, failureThreshold: 150 },
        readinessProbe: { ...answers, periodSeconds: 5 },
        livenessProbe: { ...answers, periodSeconds: 20, failureThreshold: 6 },
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
  // The default watermarks are percentages, and a laptop's disk is often over 90 % full.
  "cluster.routing.allocation.disk.watermark.low": "2gb",
  "cluster.routing.allocation.disk.watermark.high": "1gb",
  "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
};

/** The heap, plus the same size or at least 768 MiB for the JVM, Lucene and the page cache. */
export function memoryLimit(heap: string): string {
  const mebibytes = parseInt(heap, 10) * (heap.endsWith("g") ? 1024 : 1);
  return `${String(mebibytes + Math.max(mebibytes, 768))}Mi`;
}

/**
 * Options of the JVM, with warnings on stderr only. By default, GC logs of up to 2 GiB go to files in the container.
 * The kubelet would evict the pod for its ephemeral storage (helm/charts#14716).
 */
export function javaOptions(heap: string): string {
  return `-Xms${heap} -Xmx${heap} -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags`;
}
