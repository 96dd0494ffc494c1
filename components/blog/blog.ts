import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { labels, metricsClient, mySqlClient, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";
import { blogPod } from "./blogPod.ts";
import { blogName } from "./blogService.ts";
import { blogContainer } from "./containerSettings.ts";

export interface BlogArgs {
  /** Namespace of the pods. */
  namespace: pulumi.Input<string>;
  /** Reference of the blog's image. */
  image: pulumi.Input<string>;
  /** The image's tag, for the label `app.kubernetes.io/version`. */
  version: pulumi.Input<string>;
  configuration: BlogConfiguration;
  /** Number of pods. With `maxReplicas`, it is the minimum. Defaults to 2. */
  replicas?: pulumi.Input<number>;
  /** Maximum number of pods for a HorizontalPodAutoscaler. Defaults to no autoscaler. */
  maxReplicas?: pulumi.Input<number> | undefined;
}

/** Seconds that a stopping pod still serves, until kube-proxy on each node has removed its endpoint. */
const drainSeconds = 5;

/** Average CPU use that the autoscaler aims at, in percent of the request. */
const targetUtilization = 70;

/**
 * The blog's Deployment, with a PodDisruptionBudget and a NetworkPolicy. Only pods with the label `metricsClient` reach
 * the metrics port. The optional HorizontalPodAutoscaler needs metrics-server in the cluster.
 */
export class Blog extends pulumi.ComponentResource {
  constructor(name: string, args: BlogArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:Blog", name, {}, opts);
    const { replicas = 2, maxReplicas } = args;
    const metadata = objectMetadata(blogName, args.namespace);
    const selector = { matchLabels: selectorLabels(blogName) };
    const policy = networkPolicy(
      `${name}-network-policy`,
      metadata,
      [
        allow("http"),
        { ...allow("metrics"), from: [{ namespaceSelector: {}, podSelector: { matchLabels: metricsClient } }] },
      ],
      { parent: this },
    );
    new k8s.policy.v1.PodDisruptionBudget(
      `${name}-disruption-budget`,
      { metadata, spec: { maxUnavailable: 1, selector } },
      { parent: this },
    );
    const deployment = new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        // Takes the number of pods back from a removed autoscaler, or from `kubectl scale`.
        metadata: { ...metadata, annotations: { "pulumi.com/patchForce": "true" } },
        spec: {
          replicas,
          selector,
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } },
          template: podTemplate(args),
        },
      },
      {
        parent: this,
        dependsOn: [policy],
        ignoreChanges: [
          // Kubernetes before 1.27 drops this field, and each refresh would show that as a change.
          "spec.template.spec.topologySpreadConstraints[0].matchLabelKeys",
          // The autoscaler sets the number of pods.
          ...(maxReplicas !== undefined ? ["spec.replicas"] : []),
        ],
      },
    );
    if (maxReplicas !== undefined) {
      new k8s.autoscaling.v2.HorizontalPodAutoscaler(
        `${name}-autoscaler`,
        {
          metadata,
          spec: {
            scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: blogName },
            minReplicas: replicas,
            maxReplicas,
            metrics: [
              {
                type: "Resource",
                resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetUtilization } },
              },
            ],
          },
        },
        { parent: this, dependsOn: [deployment] },
      );
    }
    this.registerOutputs();
  }
}

function podTemplate({ image, version, configuration }: BlogArgs): k8s.types.input.core.v1.PodTemplateSpec {
  const container = {
    name: blogName,
    ports: [
      { name: "http", containerPort: blogContainer.port },
      { name: "metrics", containerPort: blogContainer.metricsPort },
    ],
    // Waits half an hour for the database and its schema, because a restart would fix neither.
    startupProbe: {
      httpGet: { path: "/readyz", port: "http" },
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: 1800,
    },
    // With /readyz, no pod would be ready while the database is down. Clients would then get a refused connection
    // instead of a page with status 503.
    readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 3, timeoutSeconds: 3 },
    livenessProbe: {
      httpGet: { path: "/healthz", port: "http" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { exec: { command: ["sleep", String(drainSeconds)] } } },
  };
  return {
    metadata: { labels: { ...labels(blogName), ...mySqlClient, "app.kubernetes.io/version": version } },
    spec: {
      ...blogPod({
        image,
        configuration,
        configMaps: [configuration.settings],
        secrets: [{ secret: configuration.session, keys: ["SESSION_KEYS"] }],
        container,
      }),
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          // With a single node left, all pods must run there.
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selectorLabels(blogName) },
          // Counts only pods of the same rollout.
          matchLabelKeys: ["pod-template-hash"],
        },
      ],
      // Pods leave a stopped node after 5 s instead of 5 min. Otherwise they count as ready when the node returns, and
      // get requests before they have started.
      tolerations: ["not-ready", "unreachable"].map((condition) => ({
        key: `node.kubernetes.io/${condition}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 5,
      })),
      terminationGracePeriodSeconds: drainSeconds + blogContainer.stopSeconds,
    },
  };
}
