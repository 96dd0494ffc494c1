import type { Finding } from "./scanners.ts";

/** An accepted finding of a scanner, with the reason. */
export interface Exception {
  check: string;
  /** Text of the finding, for a check with several texts. Defaults to any text. */
  text?: string;
  /** Kind and name of each affected object. */
  objects: string[];
  reason: string;
}

const blog = ["Deployment koa-blog", "Job koa-blog-migration"];
const mySql = ["StatefulSet mysql"];
const logging = [
  "CronJob logging-disk-cleanup-cron",
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
const keystore = "The image's entrypoint writes the keystore beside the configuration.";
const oneHealth =
  "What it depends on is no reason to take its pods from the Service, so both only ask whether it answers.";

export const exceptions: Record<Finding["scanner"], Exception[]> = {
  "kube-score": [
    { check: "container-image-pull-policy", objects: workloads, reason: neverPulled },
    { check: "container-security-context-user-group-id", objects: workloads, reason: ownUser },
    {
      check: "container-security-context-readonlyrootfilesystem",
      objects: ["StatefulSet elasticsearch"],
      reason: keystore,
    },
    {
      check: "pod-networkpolicy",
      text: "The pod does not have a matching egress NetworkPolicy",
      objects: workloads,
      reason:
        "Where DNS and a managed MySQL are differs by cluster, so one policy would cut some off; what may be reached is limited there.",
    },
    {
      check: "pod-probes-identical",
      objects: ["DaemonSet fluentd", "Deployment koa-blog", ...mySql, "StatefulSet elasticsearch"],
      reason: oneHealth,
    },
    {
      check: "deployment-has-host-podantiaffinity",
      objects: ["Deployment koa-blog"],
      reason: "Topology spread constraints do the same, and count the pods of one rollout only.",
    },
    {
      check: "deployment-targeted-by-hpa-does-not-have-replicas-configured",
      objects: ["Deployment koa-blog"],
      reason: "The number is the first one only: Pulumi ignores it as soon as there is an autoscaler.",
    },
    {
      check: "deployment-replicas",
      objects: ["Deployment kibana"],
      reason: "A tool for those who operate the blog, which may be away for a minute; a laptop has no memory for two.",
    },
    {
      check: "deployment-strategy",
      objects: ["Deployment kibana"],
      reason: "Two of another version at a time would both migrate what Kibana keeps in Elasticsearch.",
    },
    {
      check: "service-type",
      objects: ["Service koa-blog", "Service kibana"],
      reason: "A cluster on this machine is reached by a node port. Other clusters choose an Ingress.",
    },
  ],
  checkov: [
    { check: "CKV_K8S_15", objects: workloads, reason: neverPulled },
    {
      check: "CKV_K8S_43",
      objects: workloads,
      reason:
        "An image that was loaded into a node has no digest there; where nodes pull, each image's setting takes a digest.",
    },
    { check: "CKV_K8S_40", objects: workloads, reason: ownUser },
    {
      check: "CKV_K8S_23",
      objects: ["DaemonSet fluentd"],
      reason: "Only root reads the nodes' log files; it has no capability, and mounts them read-only.",
    },
    {
      check: "CKV_K8S_38",
      objects: ["DaemonSet fluentd"],
      reason: "It asks the API server for the pods' names and labels, with leave to read pods and namespaces only.",
    },
    {
      check: "CKV_K8S_35",
      objects: ["StatefulSet mysql"],
      reason: "The user's name, which is in the same Secret as the password; the passwords are files.",
    },
    {
      check: "CKV_K8S_35",
      objects: ["Deployment kibana", "StatefulSet elasticsearch"],
      reason: "These images take a password from a variable, or from a file with a mode that no mounted Secret has.",
    },
    {
      check: "CKV_K8S_22",
      objects: ["StatefulSet elasticsearch"],
      reason: keystore,
    },
  ],
};
