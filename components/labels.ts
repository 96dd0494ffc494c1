/** Labels that select the pods of one component; see https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function selectorLabels(component: string) {
  return { "app.kubernetes.io/name": component, "app.kubernetes.io/part-of": "koa-blog" };
}

/** Labels of every object that the program makes. */
export function labels(component: string) {
  return { ...selectorLabels(component), "app.kubernetes.io/managed-by": "pulumi" };
}

/** Label of the pods that may talk to MySQL. */
export const mySqlClient = { "koa-blog/mysql-client": "true" };

/** Label of the pods that may talk to Elasticsearch. */
export const elasticsearchClient = { "koa-blog/elasticsearch-client": "true" };

/** Label of the pods that may talk to Kibana. */
export const kibanaClient = { "koa-blog/kibana-client": "true" };

/**
 * Annotations of a Service that comes before its pods: the provider would wait for them, and they for it
 * (pulumi-kubernetes#1974).
 */
export const beforePods = { "pulumi.com/skipAwait": "true" };
