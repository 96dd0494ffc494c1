import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { generatedPassword } from "../kubernetes/generatedPassword.ts";
import { dockerConfig, type RegistryLogin } from "../kubernetes/imagePullSecret.ts";
import { immutableSecret } from "../kubernetes/immutableObjects.ts";
import { elasticsearchClient, kibanaClient, labels } from "../kubernetes/labels.ts";
import { DiskCleanup } from "./diskCleanup.ts";
import { defaultStorage, Elasticsearch, rolloverSize } from "./elasticsearch.ts";
import { Fluentd } from "./fluentd.ts";
import { Kibana } from "./kibana.ts";
import { SetupJob } from "./setupJob.ts";

export interface LoggingArgs {
  /** Namespace that is created for Fluentd, Elasticsearch and Kibana. */
  namespace: pulumi.Input<string>;
  /** Image of Elasticsearch 8. */
  elasticsearchImage: pulumi.Input<string>;
  /** Image of Kibana, of the same version as Elasticsearch. */
  kibanaImage: pulumi.Input<string>;
  /** Image of Fluentd with the plugins of `fluent/fluentd-kubernetes-daemonset`, for Elasticsearch 8. */
  fluentdImage: pulumi.Input<string>;
  /** Login of the images' private registry. Defaults to none, for public images. */
  registryLogin?: RegistryLogin | undefined;
  /** Java heap of Elasticsearch, such as `512m` or `2g`. Defaults to `512m`. */
  heap?: pulumi.Input<string> | undefined;
  /** Size of a new volume of Elasticsearch, such as `5Gi`. Defaults to `5Gi`. */
  storage?: pulumi.Input<string> | undefined;
  /** StorageClass of a new volume. Defaults to the default class of the cluster. */
  storageClass?: pulumi.Input<string> | undefined;
  /** Days until log records are deleted. Defaults to 7. */
  retentionDays?: pulumi.Input<number> | undefined;
  /** Password of the Elasticsearch superuser `elastic`, for the login to Kibana. Defaults to a generated password. */
  elasticPassword?: pulumi.Input<string> | undefined;
  /** Port of Kibana on the nodes, 30000 to 32767. Defaults to none. */
  kibanaNodePort?: pulumi.Input<number> | undefined;
}

/** Collects the logs of all pods with Fluentd, Elasticsearch and Kibana, in a namespace of their own. */
export class Logging extends pulumi.ComponentResource {
  /** Password of the Elasticsearch superuser `elastic`. Secret. */
  readonly elasticPassword: pulumi.Output<string>;

  constructor(name: string, args: LoggingArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:Logging", name, {}, opts);
    const namespaceObject = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          // Fluentd mounts the nodes' log files. The standard "baseline" forbids hostPath volumes.
          labels: { ...labels("logging"), "pod-security.kubernetes.io/enforce": "privileged" },
        },
      },
      { parent: this },
    );
    const namespace = namespaceObject.metadata.name;
    const metadata = { namespace, labels: labels("logging") };
    const denyIngress = new k8s.networking.v1.NetworkPolicy(
      `${name}-network-policy`,
      {
        metadata: { ...metadata, name: "default-deny-ingress" },
        spec: { podSelector: {}, policyTypes: ["Ingress"] },
      },
      { parent: this },
    );
    const password = (suffix: string) => generatedPassword(`${name}-${suffix}-password`, { parent: this });
    const secret = (suffix: string, data: Record<string, pulumi.Input<string>>, type?: string) =>
      immutableSecret(`${name}-${suffix}`, metadata, data, { parent: this }, type);
    this.elasticPassword = pulumi.secret(args.elasticPassword ?? password("elastic"));
    const elasticUser = secret("elastic-user", { ELASTIC_PASSWORD: this.elasticPassword });
    const kibanaUser = secret("kibana-user", { KIBANA_PASSWORD: password("kibana") });
    const fluentdUser = secret("fluentd-user", { FLUENTD_PASSWORD: password("fluentd") });
    const pullSecret =
      args.registryLogin &&
      secret(
        "pull-secret",
        { ".dockerconfigjson": dockerConfig(args.registryLogin) },
        "kubernetes.io/dockerconfigjson",
      );
    const pod = { namespace, imagePullSecrets: pullSecret && [{ name: pullSecret.metadata.name }] };

    const elasticsearch = new Elasticsearch(
      `${name}-elasticsearch`,
      {
        ...pod,
        image: args.elasticsearchImage,
        elasticUser,
        heap: args.heap,
        storage: args.storage,
        storageClass: args.storageClass,
      },
      { parent: this, dependsOn: [denyIngress] },
    );
    const client = {
      ...pod,
      image: args.elasticsearchImage,
      url: elasticsearch.url,
      client: elasticsearchClient,
    };
    const elasticsearchSetup = new SetupJob(
      `${name}-elasticsearch-setup`,
      {
        ...client,
        folder: "elasticsearch",
        secrets: [elasticUser, kibanaUser, fluentdUser],
        variables: {
          RETENTION_DAYS: pulumi.output(args.retentionDays ?? 7).apply(String),
          ROLLOVER_SIZE: pulumi.output(args.storage ?? defaultStorage).apply(rolloverSize),
        },
      },
      { parent: this, dependsOn: [elasticsearch] },
    );
    new DiskCleanup(
      `${name}-disk-cleanup`,
      { ...client, secrets: [elasticUser] },
      { parent: this, dependsOn: [elasticsearchSetup] },
    );
    new Fluentd(
      `${name}-fluentd`,
      { ...pod, image: args.fluentdImage, fluentdUser },
      // Without the data stream and its template, Fluentd's first record would create an index with other settings.
      { parent: this, dependsOn: [elasticsearchSetup] },
    );
    const kibana = new Kibana(
      `${name}-kibana`,
      {
        ...pod,
        image: args.kibanaImage,
        elasticsearchUrl: elasticsearch.url,
        kibanaUser,
        nodePort: args.kibanaNodePort,
      },
      { parent: this, dependsOn: [elasticsearchSetup] },
    );
    new SetupJob(
      `${name}-kibana-setup`,
      {
        ...pod,
        image: args.elasticsearchImage,
        folder: "kibana",
        url: kibana.url,
        client: kibanaClient,
        secrets: [elasticUser],
      },
      { parent: this, dependsOn: [kibana] },
    );
    this.registerOutputs({ elasticPassword: this.elasticPassword });
  }
}
