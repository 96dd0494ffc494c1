/** Name of Elasticsearch's Service and StatefulSet. */
export const elasticsearchName = "elasticsearch";

/** Name of Kibana's Service and Deployment. */
export const kibanaName = "kibana";

/** Name of Fluentd's DaemonSet and ServiceAccount. */
export const fluentdName = "fluentd";

/** Folder of Fluentd's positions and buffer, with the same path on the node and in the container. */
export const fluentdState = "/var/lib/koa-blog/fluentd";

/** Names used in several files of `logging/`. */
export const loggingNames = {
  dataStream: "logs-kubernetes-default",
  indexTemplate: "koa-blog-logs",
  lifecyclePolicy: "koa-blog-logs",
  /** Fluentd's Elasticsearch user, and its role. */
  user: "koa-blog-fluentd",
} as const;
