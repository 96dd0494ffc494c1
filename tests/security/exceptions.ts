const workloads = [
  ...["Deployment koa-blog", "Job koa-blog-migration", "StatefulSet mysql"],
  ...["CronJob logging-disk-cleanup-cron", "DaemonSet fluentd", "Deployment kibana", "StatefulSet elasticsearch"],
  ...["Job logging-elasticsearch-setup", "Job logging-kibana-setup"],
];

/** Accepted findings of kube-score and checkov (CKV), and the objects that have them. The comments give the reasons. */
export const exceptions: Record<string, string[]> = {
  // A cluster of kind pulls nothing. Its nodes get the images from the engine. Elsewhere, the blog's tag is a hash.
  "container-image-pull-policy": workloads,
  CKV_K8S_15: workloads,
  // An image that was loaded into a node has no digest there. Where nodes pull, each image's setting takes a digest.
  CKV_K8S_43: workloads,
  // Files and entrypoints of the published images belong to that user. No user has a capability or may gain one.
  "container-security-context-user-group-id": workloads,
  CKV_K8S_40: workloads,
  // The image's entrypoint writes the keystore next to the configuration.
  "container-security-context-readonlyrootfilesystem": ["StatefulSet elasticsearch"],
  CKV_K8S_22: ["StatefulSet elasticsearch"],
  // DNS and a managed MySQL differ by cluster, so one policy would cut some off. Ingress is limited instead.
  "pod-networkpolicy: The pod does not have a matching egress NetworkPolicy": workloads,
  // Both probes ask only whether the pod answers. It stays in its Service while what it depends on is down.
  "pod-probes-identical": [
    ...["DaemonSet fluentd", "Deployment koa-blog"],
    ...["StatefulSet elasticsearch", "StatefulSet mysql"],
  ],
  // Topology spread constraints do the same, and count the pods of one rollout only.
  "deployment-has-host-podantiaffinity": ["Deployment koa-blog"],
  // The number is only the first one. Pulumi ignores it when there is an autoscaler.
  "deployment-targeted-by-hpa-does-not-have-replicas-configured": ["Deployment koa-blog"],
  // Operators can miss Kibana for a minute, and a laptop has no memory for two.
  "deployment-replicas": ["Deployment kibana"],
  // Two versions at a time would both migrate Kibana's data in Elasticsearch.
  "deployment-strategy": ["Deployment kibana"],
  // A cluster on this machine is reached by a node port. Other clusters choose an Ingress.
  "service-type": ["Service koa-blog", "Service kibana"],
  // Only root reads the nodes' log files. It has no capability, and mounts them read-only.
  CKV_K8S_23: ["DaemonSet fluentd"],
  // Fluentd asks the API server for the pods' names and labels, and may read only pods and namespaces.
  CKV_K8S_38: ["DaemonSet fluentd"],
  // MySQL's variable is the user's name. The other images take no password from a file that a Secret can provide.
  CKV_K8S_35: ["Deployment kibana", "StatefulSet elasticsearch", "StatefulSet mysql"],
};
