import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { secretsFolder } from "./contract.ts";
import { elasticsearchClient, labels, selectorLabels } from "./labels.ts";
import type { LoggingConfiguration } from "./loggingConfiguration.ts";
import { fluentdName, fluentdState } from "./loggingNames.ts";
import { childOptions, dependencies } from "./options.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  secretFileVariables,
  secretVolume,
} from "./pods.ts";

export interface FluentdArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Image of Fluentd with the plugins of `fluent/fluentd-kubernetes-daemonset`. */
  image: pulumi.Input<string>;
  /** ConfigMap and Secret that Fluentd reads. */
  configuration: LoggingConfiguration;
}

/** Fluentd on every node, the control plane included, with leave to read what the API server knows of pods. */
export class Fluentd extends pulumi.ComponentResource {
  /** The DaemonSet: ready when Fluentd runs on every node. */
  readonly daemonSet: k8s.apps.v1.DaemonSet;

  constructor(name: string, args: FluentdArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Fluentd", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { name: fluentdName, namespace: args.namespace, labels: labels(fluentdName) };
    const serviceAccount = new k8s.core.v1.ServiceAccount(`${name}-service-account`, { metadata }, options);
    const clusterName = "koa-blog-fluentd";
    const role = new k8s.rbac.v1.ClusterRole(
      `${name}-role`,
      {
        metadata: { name: clusterName, labels: labels(fluentdName) },
        rules: [{ apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] }],
      },
      options,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      `${name}-role-binding`,
      {
        metadata: { name: clusterName, labels: labels(fluentdName) },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: serviceAccount.metadata.name, namespace: args.namespace }],
      },
      options,
    );
    this.daemonSet = new k8s.apps.v1.DaemonSet(
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
      { ...options, dependsOn: [...dependencies(opts), binding] },
    );
    this.registerOutputs({ daemonSet: this.daemonSet });
  }
}

function podSpec(args: FluentdArgs, serviceAccountName: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  const { fluentd, fluentdUser } = args.configuration;
  const alive = { httpGet: { path: "/api/plugins.json", port: "monitor" }, timeoutSeconds: 5 };
  return {
    ...podDefaults,
    serviceAccountName,
    automountServiceAccountToken: true,
    // The runtime's log files are root's alone. Without capabilities root reads no more than that.
    securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: "RuntimeDefault" } },
    tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
    // What is in memory goes to the buffer, and what of the buffer Elasticsearch takes goes there.
    terminationGracePeriodSeconds: 60,
    containers: [
      {
        name: fluentdName,
        image: args.image,
        imagePullPolicy: "IfNotPresent",
        env: [
          { name: "K8S_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          // Kubernetes restarts what ends: no second process for that.
          { name: "FLUENTD_OPT", value: "--no-supervisor" },
          // glibc would keep memory for each of the threads.
          { name: "MALLOC_ARENA_MAX", value: "2" },
          ...secretFileVariables(["FLUENTD_PASSWORD"]),
        ],
        ports: [{ name: "monitor", containerPort: 24220 }],
        securityContext: containerSecurityContext,
        resources: containerResources(
          { cpu: "50m", memory: "128Mi", disk: "64Mi" },
          { cpu: "1", memory: "192Mi", disk: "512Mi" },
        ),
        startupProbe: { ...alive, periodSeconds: 2, failureThreshold: 150 },
        readinessProbe: { ...alive, periodSeconds: 10 },
        livenessProbe: { ...alive, periodSeconds: 20, failureThreshold: 6 },
        volumeMounts: [
          { name: "configuration", mountPath: "/fluentd/etc", readOnly: true },
          { name: "secrets", mountPath: secretsFolder, readOnly: true },
          { name: "pods", mountPath: "/var/log/pods", readOnly: true },
          { name: "state", mountPath: fluentdState },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "configuration", configMap: { name: fluentd.metadata.name } },
      secretVolume("secrets", [fluentdUser.metadata.name]),
      { name: "pods", hostPath: { path: "/var/log/pods", type: "Directory" } },
      // On the node: positions and records that are not sent yet outlive the pod.
      { name: "state", hostPath: { path: fluentdState, type: "DirectoryOrCreate" } },
      { name: "tmp", emptyDir: {} },
    ],
  };
}
