import { createHash } from "node:crypto";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogPod } from "./blogPod.ts";
import { blogName } from "./blogService.ts";
import { blogContract } from "./contract.ts";
import { labels, mySqlClient, selectorLabels } from "./labels.ts";
import { childOptions, dependencies } from "./options.ts";
import { standbyContainer } from "./standbyContainer.ts";

export interface BlogArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** The blog's image. */
  image: pulumi.Input<string>;
  /** Tag of that image. */
  tag: pulumi.Input<string>;
  /** ConfigMaps and Secrets that the blog reads. */
  configuration: BlogConfiguration;
  /** Number of pods, the least one if there is also a greatest. Defaults to 2. */
  replicas?: pulumi.Input<number>;
  /** Greatest number of pods, for a HorizontalPodAutoscaler to choose. Defaults to none: `replicas` is the number. */
  maxReplicas?: pulumi.Input<number> | undefined;
}

/** Seconds that a stopping pod goes on serving while the Service's endpoints forget it. */
const drainSeconds = 5;

/** Use of the requested CPU, in percent, that the autoscaler aims at. */
const targetUtilization = 70;

/**
 * The blog: a Deployment that is never short of a pod while it rolls, a PodDisruptionBudget for its nodes, a NetworkPolicy that
 * keeps its metrics in the cluster, and on demand a HorizontalPodAutoscaler, which needs metrics-server in the cluster.
 */
export class Blog extends pulumi.ComponentResource {
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: BlogArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:Blog", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { name: blogName, namespace: args.namespace, labels: labels(blogName) };
    const selector = { matchLabels: selectorLabels(blogName) };
    const networkPolicy = new k8s.networking.v1.NetworkPolicy(
      `${name}-readers`,
      {
        metadata,
        spec: {
          podSelector: selector,
          policyTypes: ["Ingress"],
          ingress: [
            { ports: [{ port: "http", protocol: "TCP" }] },
            // A Prometheus may be in any namespace, but not outside the cluster.
            { from: [{ namespaceSelector: {} }], ports: [{ port: "metrics", protocol: "TCP" }] },
          ],
        },
      },
      options,
    );
    new k8s.policy.v1.PodDisruptionBudget(
      `${name}-disruption-budget`,
      { metadata, spec: { maxUnavailable: 1, selector } },
      options,
    );
    this.deployment = new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: args.replicas ?? 2,
          selector,
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: podTemplate(args),
        },
      },
      // The number is the autoscaler's then, from the first one on.
      {
        ...options,
        dependsOn: [...dependencies(opts), networkPolicy],
        ...(args.maxReplicas !== undefined && { ignoreChanges: ["spec.replicas"] }),
      },
    );
    if (args.maxReplicas !== undefined) {
      new k8s.autoscaling.v2.HorizontalPodAutoscaler(
        `${name}-autoscaler`,
        {
          metadata,
          spec: {
            scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: blogName },
            minReplicas: args.replicas ?? 2,
            maxReplicas: args.maxReplicas,
            metrics: [
              {
                type: "Resource",
                resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetUtilization } },
              },
            ],
          },
        },
        { ...options, dependsOn: [this.deployment] },
      );
    }
    this.registerOutputs({ deployment: this.deployment });
  }
}

function podTemplate(args: BlogArgs): k8s.types.input.core.v1.PodTemplateSpec {
  const { database, settings, databaseUser, session, imagePullSecrets } = args.configuration;
  const sources = {
    configMaps: [database, settings],
    secrets: [databaseUser, session],
    secretKeys: ["MYSQL_USER", "MYSQL_PASSWORD", "SESSION_KEYS"],
    imagePullSecrets,
  };
  // Names the pods of one rollout. Spreading counts those only: else the pods that are being replaced push both new ones
  // to one node. (matchLabelKeys does this from Kubernetes 1.27 on.)
  const contents = [...sources.configMaps, ...sources.secrets].map(({ metadata }) => metadata.name);
  const revision = { "koa-blog/revision": pulumi.all([args.tag, ...contents]).apply(revisionOf) };
  const pod = blogPod(blogName, args.image, sources, {
    ports: [
      { name: "http", containerPort: blogContract.port },
      { name: "metrics", containerPort: blogContract.metricsPort },
    ],
    // Until the database is reachable and its schema current: half an hour, since a restart would mend neither.
    startupProbe: {
      httpGet: { path: "/readyz", port: "http" },
      periodSeconds: 2,
      timeoutSeconds: 3,
      failureThreshold: 900,
    },
    // Not /readyz: all pods have the one database. Were it down, none would be left to say so, and readers would find
    // the connection refused instead of a page with 503.
    readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 3, timeoutSeconds: 3 },
    livenessProbe: {
      httpGet: { path: "/healthz", port: "http" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { exec: { command: ["sleep", String(drainSeconds)] } } },
  });
  return {
    metadata: {
      labels: { ...labels(blogName), ...mySqlClient, ...revision, "app.kubernetes.io/version": args.tag },
      annotations: { "kubectl.kubernetes.io/default-container": blogName },
    },
    spec: {
      ...pod,
      containers: [...pod.containers, standbyContainer(args.image, settings)],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          // A pod that shares a node is better than none, when there is one node left.
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { ...selectorLabels(blogName), ...revision } },
        },
      ],
      // From a node that is missed, the pods move at once instead of after five minutes: else they would be taken for ready, in vain,
      // for as long as they take to start when the node comes back.
      tolerations: ["not-ready", "unreachable"].map((condition) => ({
        key: `node.kubernetes.io/${condition}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 5,
      })),
      terminationGracePeriodSeconds: drainSeconds + blogContract.stopSeconds,
    },
  };
}

/** A label value that is the same for the same values. */
export function revisionOf(values: string[]): string {
  return createHash("sha256").update(values.join("\0")).digest("hex").slice(0, 16);
}
