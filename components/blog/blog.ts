import { createHash } from "node:crypto";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { blogContract } from "../kubernetes/contract.ts";
import { labels, metricsClient, mySqlClient, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import { blogPod } from "./blogPod.ts";
import { blogName } from "./blogService.ts";
import type { ReleaseArgs } from "./schemaMigration.ts";

/** With `maxReplicas`, `replicas` is the minimum of a HorizontalPodAutoscaler. */
export type BlogArgs = ReleaseArgs & Pick<StackConfig, "replicas" | "maxReplicas">;

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
    super("blog:kubernetes:Blog", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = objectMetadata(blogName, args.namespace);
    const selector = { matchLabels: selectorLabels(blogName) };
    const readers = networkPolicy(
      `${name}-readers`,
      metadata,
      [
        allow("http"),
        { ...allow("metrics"), from: [{ namespaceSelector: {}, podSelector: { matchLabels: metricsClient } }] },
      ],
      options,
    );
    new k8s.policy.v1.PodDisruptionBudget(
      `${name}-disruption-budget`,
      { metadata, spec: { maxUnavailable: 1, selector } },
      options,
    );
    const deployment = new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata,
        spec: {
          replicas: args.replicas,
          selector,
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } },
          template: podTemplate(args),
        },
      },
      {
        ...childOptions(this, opts, readers),
        // The autoscaler sets the number of pods.
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
            minReplicas: args.replicas,
            maxReplicas: args.maxReplicas,
            metrics: [
              {
                type: "Resource",
                resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetUtilization } },
              },
            ],
          },
        },
        childOptions(this, opts, deployment),
      );
    }
    this.registerOutputs();
  }
}

function podTemplate(args: BlogArgs): k8s.types.input.core.v1.PodTemplateSpec {
  const { database, databaseFiles, settings, databaseUser, session } = args.configuration;
  const files = databaseFiles ? [databaseFiles.configMap] : [];
  const objects = [database, settings, ...files, databaseUser, session].map(({ metadata }) => metadata.name);
  // The spread constraint counts only pods of the same rollout. Otherwise the old pods could push all new ones to one
  // node. matchLabelKeys does the same, but needs Kubernetes 1.27.
  const revision = { "koa-blog/revision": pulumi.all([args.image.tag, ...objects]).apply(revisionOf) };
  const container = {
    ports: [
      { name: "http", containerPort: blogContract.port },
      { name: "metrics", containerPort: blogContract.metricsPort },
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
    metadata: {
      labels: { ...labels(blogName), ...mySqlClient, ...revision, "app.kubernetes.io/version": args.image.tag },
    },
    spec: {
      ...blogPod(blogName, args.image.imageName, args.configuration, container, args.configuration),
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          // With a single node left, all pods must run there.
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { ...selectorLabels(blogName), ...revision } },
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
      terminationGracePeriodSeconds: drainSeconds + blogContract.stopSeconds,
    },
  };
}

/** Hash that fits into a label, whose limit is 63 characters. */
export function revisionOf(values: string[]): string {
  return createHash("sha256").update(values.join("\0")).digest("hex").slice(0, 16);
}
