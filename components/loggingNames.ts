/** Name of Elasticsearch's Service, and of all that belongs to it. */
export const elasticsearchName = "elasticsearch";

/** Name of Kibana's Service, and of all that belongs to it. */
export const kibanaName = "kibana";

/** Name of Fluentd's DaemonSet, and of all that belongs to it. */
export const fluentdName = "fluentd";

/** Folder of the nodes, and of Fluentd's containers, that holds Fluentd's positions and buffer. */
export const fluentdState = "/var/lib/koa-blog/fluentd";

/** Names that the files below `logging/` share. */
export const loggingNames = {
  dataStream: "logs-kubernetes-default",
  dataView: "koa-blog-logs",
  indexTemplate: "koa-blog-logs",
  lifecyclePolicy: "koa-blog-logs",
  /** Fluentd's user in Elasticsearch, and its role. */
  user: "koa-blog-fluentd",
} as const;
