import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { immutableConfigMap } from "../kubernetes/immutableObjects.ts";
import { elasticsearchClient, labels, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import { filesOf, type LoggingPodArgs } from "./loggingPod.ts";

export interface FluentdArgs extends LoggingPodArgs {
  /** Secret with FLUENTD_PASSWORD, the password of the Elasticsearch user `koa-blog-fluentd`. */
  fluentdUser: k8s.core.v1.Secret;
}

/** Name of the DaemonSet and the ServiceAccount. */
const fluentdName = "fluentd";

/** Variables of the container that need no other resource. */
export const fluentdVariables = {
  // Kubernetes restarts the container, so a supervisor process is not needed.
  FLUENTD_OPT: "--no-supervisor -r /fluentd/etc/positions.rb",
  // By default, glibc keeps a memory arena for each thread.
  MALLOC_ARENA_MAX: "2",
  // By default, up to 128 MiB of unused strings wait for the garbage collector. Long lines would then exceed the limit.
  RUBY_GC_MALLOC_LIMIT_MAX: "8388608",
  RUBY_GC_OLDMALLOC_LIMIT_MAX: "16777216",
};

/** Docker's log files of containers. */
const dockerFolder = "/var/lib/docker/containers";

/**
 * Fluentd on every node, including the control plane. Its ServiceAccount may read pods and namespaces. The image needs
 * the plugins of `fluent/fluentd-kubernetes-daemonset`.
 */
export class Fluentd extends pulumi.ComponentResource {
  constructor(name: string, args: FluentdArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Fluentd", name, {}, opts);
    const { namespace } = args;
    const metadata = objectMetadata(fluentdName, namespace);
    const configuration = immutableConfigMap(
      `${name}-configuration`,
      { namespace, labels: labels(fluentdName) },
      filesOf("fluentd"),
      { parent: this },
    );
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, { parent: this });
    // The cluster may have several stacks.
    const clusterMetadata = { name: pulumi.interpolate`${namespace}-fluentd`, labels: labels(fluentdName) };
    const role = new k8s.rbac.v1.ClusterRole(
      `${name}-role`,
      {
        metadata: clusterMetadata,
        rules: [{ apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] }],
      },
      { parent: this },
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      `${name}-role-binding`,
      {
        metadata: clusterMetadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: serviceAccount.metadata.name, namespace }],
      },
      { parent: this },
    );
    new k8s.apps.v1.DaemonSet(
      `${name}-daemonset`,
      {
        metadata,
        spec: {
          selector: { matchLabels: selectorLabels(fluentdName) },
          template: {
            metadata: { labels: { ...labels(fluentdName), ...elasticsearchClient } },
            spec: podSpec(args, serviceAccount.metadata.name, configuration),
          },
        },
      },
      { parent: this, dependsOn: [binding] },
    );
    this.registerOutputs();
  }
}

function podSpec(
  { namespace, image, imagePullSecrets, fluentdUser }: FluentdArgs,
  serviceAccountName: pulumi.Input<string>,
  configuration: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.PodSpec {
  const probe = { httpGet: { path: "/api/plugins.json", port: "monitor" }, timeoutSeconds: 5 };
  return {
    ...podDefaults(0),
    ...(imagePullSecrets && { imagePullSecrets }),
    serviceAccountName,
    automountServiceAccountToken: true,
    // The container runtime's log files belong to root. Without capabilities, root cannot read other users' files.
    securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: "RuntimeDefault" } },
    tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
    // At shutdown, Fluentd flushes its memory to the buffer, and the buffer to Elasticsearch.
    terminationGracePeriodSeconds: 60,
    containers: [
      {
        ...containerDefaults,
        name: fluentdName,
        image,
        env: [
          { name: "K8S_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "LOGGING_NAMESPACE", value: namespace },
          ...Object.entries(fluentdVariables).map(([variable, value]) => ({ name: variable, value })),
          ...secretFileVariables(["FLUENTD_PASSWORD"]),
        ],
        ports: [{ name: "monitor", containerPort: 24220 }],
        resources: containerResources(
          { cpu: "50m", memory: "128Mi", disk: "64Mi" },
          { cpu: "1", memory: "192Mi", disk: "512Mi" },
        ),
        startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 150 },
        readinessProbe: { ...probe, periodSeconds: 10 },
        livenessProbe: { ...probe, periodSeconds: 20, failureThreshold: 6 },
        volumeMounts: [
          { name: "configuration", mountPath: "/fluentd/etc", readOnly: true },
          secretMount,
          { name: "pods", mountPath: "/var/log/pods", readOnly: true },
          { name: "docker", mountPath: dockerFolder, readOnly: true },
          { name: "state", mountPath: "/var/lib/fluentd" },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "configuration", configMap: { name: configuration.metadata.name } },
      secretVolume([fluentdUser]),
      { name: "pods", hostPath: { path: "/var/log/pods", type: "Directory" } },
      // With Docker's runtime, the files of /var/log/pods are links to this folder. Other runtimes leave it empty.
      { name: "docker", hostPath: { path: dockerFolder, type: "DirectoryOrCreate" } },
      // On the node, positions and unsent records outlive the pod. The node may have several stacks.
      {
        name: "state",
        hostPath: { path: pulumi.interpolate`/var/lib/koa-blog/${namespace}/fluentd`, type: "DirectoryOrCreate" },
      },
      { name: "tmp", emptyDir: {} },
    ],
  };
}
