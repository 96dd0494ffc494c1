import type * as pulumi from "@pulumi/pulumi";

/**
 * Labels that select the pods of one component.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 */
export function selectorLabels(component: string) {
  return { "app.kubernetes.io/name": component, "app.kubernetes.io/part-of": "koa-blog" };
}

/** Labels of all Kubernetes objects of the program. */
export function labels(component: string) {
  return { ...selectorLabels(component), "app.kubernetes.io/managed-by": "pulumi" };
}

/** Metadata of an object that has the name of its component. */
export function objectMetadata(name: string, namespace: pulumi.Input<string>) {
  return { name, namespace, labels: labels(name) };
}

export type Metadata = ReturnType<typeof objectMetadata>;

/** Label of the pods that may connect to MySQL. */
export const mySqlClient = { "koa-blog/mysql-client": "true" };

/** Label of the pods, in any namespace, that may read the blog's metrics, such as Prometheus. */
export const metricsClient = { "koa-blog/metrics-client": "true" };

/** Label of the pods that may connect to Elasticsearch. */
export const elasticsearchClient = { "koa-blog/elasticsearch-client": "true" };

/** Label of the pods that may connect to Kibana. */
export const kibanaClient = { "koa-blog/kibana-client": "true" };

/**
 * Annotation of a Service that is created before its pods. The provider would wait for ready endpoints, which need the
 * pods (pulumi-kubernetes#1974).
 */
export const skipAwait = { "pulumi.com/skipAwait": "true" };
