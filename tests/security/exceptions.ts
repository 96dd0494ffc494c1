/** A finding of a scanner that stays, and why. */
export interface Exception {
  scanner: "kube-score" | "checkov";
  check: string;
  /** What it says, if the check may say something else as well. Defaults to anything. */
  text?: string;
  /** Kind and name of each object that it is about. */
  objects: string[];
  reason: string;
}

const blog = ["Deployment koa-blog", "Job koa-blog-migration"];
const mySql = ["StatefulSet mysql"];
const logging = [
  "DaemonSet fluentd",
  "Deployment kibana",
  "Job logging-elasticsearch-setup",
  "Job logging-kibana-setup",
  "StatefulSet elasticsearch",
];
const workloads = [...blog, ...mySql, ...logging];

const neverPulled =
  "A cluster of kind pulls nothing: its nodes get the images from the engine; elsewhere the blog's tag is a hash of its content.";
const ownUser =
  "Files and entrypoints of the published images belong to that user; none has a capability or may gain one.";
const oneHealth =
  "What it depends on is no reason to take its pods from the Service, so both only ask whether it answers.";

export const exceptions: Exception[] = [
  { scanner: "kube-score", check: "container-image-pull-policy", objects: workloads, reason: neverPulled },
  { scanner: "checkov", check: "CKV_K8S_15", objects: workloads, reason: neverPulled },
  {
    scanner: "checkov",
    check: "CKV_K8S_43",
    objects: workloads,
    reason:
      "An image that was loaded into a node has no digest there; where nodes pull, each image's setting takes a digest.",
  },
  { scanner: "kube-score", check: "container-security-context-user-group-id", objects: workloads, reason: ownUser },
  { scanner: "checkov", check: "CKV_K8S_40", objects: workloads, reason: ownUser },
  {
    scanner: "checkov",
    check: "CKV_K8S_23",
    objects: ["DaemonSet fluentd"],
    reason: "Only root reads the nodes' log files; it has no capability, and mounts them read-only.",
  },
  {
    scanner: "checkov",
    check: "CKV_K8S_38",
    objects: ["DaemonSet fluentd"],
    reason: "It asks the API server for the pods' names and labels, with leave to read pods and namespaces only.",
  },
  {
    scanner: "checkov",
    check: "CKV_K8S_35",
    objects: ["StatefulSet mysql"],
    reason: "The user's name, which is in the same Secret as the password; the passwords are files.",
  },
  {
    scanner: "checkov",
    check: "CKV_K8S_35",
    objects: ["Deployment kibana", "StatefulSet elasticsearch"],
    reason: "These images take a password from a variable, or from a file with a mode that no mounted Secret has.",
  },
  {
    scanner: "checkov",
    check: "CKV_K8S_22",
    objects: ["StatefulSet elasticsearch"],
    reason: "The image's entrypoint writes the keystore beside the configuration.",
  },
  {
    scanner: "kube-score",
    check: "container-security-context-readonlyrootfilesystem",
    objects: ["StatefulSet elasticsearch"],
    reason: "The image's entrypoint writes the keystore beside the configuration.",
  },
  {
    scanner: "kube-score",
    check: "pod-networkpolicy",
    text: "The pod does not have a matching egress NetworkPolicy",
    objects: workloads,
    reason:
      "Where DNS and a managed MySQL are differs by cluster, so one policy would cut some off; what may be reached is limited there.",
  },
  {
    scanner: "kube-score",
    check: "pod-probes-identical",
    objects: ["DaemonSet fluentd", "Deployment koa-blog", ...mySql, "StatefulSet elasticsearch"],
    reason: oneHealth,
  },
  ...["CKV_K8S_8", "CKV_K8S_9"].map((check) => ({
    scanner: "checkov" as const,
    check,
    objects: ["Deployment koa-blog"],
    reason:
      "Its standby listens only while the server is dead: whether it answers says nothing. The server has its probes.",
  })),
  {
    scanner: "kube-score",
    check: "deployment-has-host-podantiaffinity",
    objects: ["Deployment koa-blog"],
    reason: "Topology spread constraints do the same, and count the pods of one rollout only.",
  },
  {
    scanner: "kube-score",
    check: "deployment-targeted-by-hpa-does-not-have-replicas-configured",
    objects: ["Deployment koa-blog"],
    reason: "The number is the first one only: Pulumi ignores it as soon as there is an autoscaler.",
  },
  {
    scanner: "kube-score",
    check: "deployment-replicas",
    objects: ["Deployment kibana"],
    reason: "A tool for those who operate the blog, which may be away for a minute; a laptop has no memory for two.",
  },
  {
    scanner: "kube-score",
    check: "deployment-strategy",
    objects: ["Deployment kibana"],
    reason: "Two of another version at a time would both migrate what Kibana keeps in Elasticsearch.",
  },
  {
    scanner: "kube-score",
    check: "service-type",
    objects: ["Service koa-blog"],
    reason: "A node's port is how a cluster on this machine is reached; other clusters choose an Ingress.",
  },
];
