import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { elasticsearchClient, labels, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import type { LoggingPodArgs } from "./loggingConfiguration.ts";
import { fluentdName, fluentdState } from "./loggingNames.ts";

/**
 * Fluentd on every node, including the control plane. Its ServiceAccount may read pods and namespaces. The image needs
 * the plugins of `fluent/fluentd-kubernetes-daemonset`.
 */
export class Fluentd extends pulumi.ComponentResource {
  constructor(name: string, args: LoggingPodArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Fluentd", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = objectMetadata(fluentdName, args.namespace);
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, options);
    const clusterMetadata = { name: "koa-blog-fluentd", labels: labels(fluentdName) };
    const role = new k8s.rbac.v1.ClusterRole(
      `${name}-role`,
      {
        metadata: clusterMetadata,
        rules: [{ apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] }],
      },
      options,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      `${name}-role-binding`,
      {
        metadata: clusterMetadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: serviceAccount.metadata.name, namespace: args.namespace }],
      },
      options,
    );
    new k8s.apps.v1.DaemonSet(
      `${name}-daemonset`,
      {
        metadata,
        spec: {
          selector: { matchLabels: selectorLabels(fluentdName) },
          template: {
            metadata: { labels: { ...labels(fluentdName), ...elasticsearchClient } },
            spec: podSpec(args, serviceAccount.metadata.name),
          },
        },
      },
      childOptions(this, opts, binding),
    );
    this.registerOutputs();
  }
}

function podSpec(args: LoggingPodArgs, serviceAccountName: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  const { fluentd, fluentdUser } = args.configuration;
  const alive = { httpGet: { path: "/api/plugins.json", port: "monitor" }, timeoutSeconds: 5 };
  return {
    ...podDefaults(0),
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
        image: args.image,
        env: [
          { name: "K8S_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          // Kubernetes restarts the container, so a supervisor process is not needed.
          { name: "FLUENTD_OPT", value: "--no-supervisor" },
          // By default, glibc keeps a memory arena for each thread.
          { name: "MALLOC_ARENA_MAX", value: "2" },
          ...secretFileVariables(["FLUENTD_PASSWORD"]),
        ],
        ports: [{ name: "monitor", containerPort: 24220 }],
        resources: containerResources(
          { cpu: "50m", memory: "128Mi", disk: "64Mi" },
          { cpu: "1", memory: "192Mi", disk: "512Mi" },
        ),
        startupProbe: { ...alive, periodSeconds: 2, failureThreshold: 150 },
        readinessProbe: { ...alive, periodSeconds: 10 },
        livenessProbe: { ...alive, periodSeconds: 20, failureThreshold: 6 },
        volumeMounts: [
          { name: "configuration", mountPath: "/fluentd/etc", readOnly: true },
          secretMount,
          { name: "pods", mountPath: "/var/log/pods", readOnly: true },
          { name: "state", mountPath: fluentdState },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "configuration", configMap: { name: fluentd.metadata.name } },
      secretVolume([fluentdUser]),
      { name: "pods", hostPath: { path: "/var/log/pods", type: "Directory" } },
      // On the node, positions and unsent records outlive the pod.
      { name: "state", hostPath: { path: fluentdState, type: "DirectoryOrCreate" } },
      { name: "tmp", emptyDir: {} },
    ],
  };
}
