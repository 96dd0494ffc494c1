import { readFileSync } from "node:fs";

import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { configurationObjects } from "./configurationObjects.ts";
import { renderFolder, requestsOf } from "./loggingFiles.ts";
import { elasticsearchName, fluentdName, fluentdState, kibanaName, loggingNames } from "./loggingNames.ts";

export interface LoggingConfigurationArgs {
  /** Namespace of the objects, whose own logs are left out. */
  namespace: string;
  /** Days after which logs are deleted. Defaults to 7. */
  logRetentionDays?: number;
  /** Size at which an index gives way to a new one, in Elasticsearch's units. Defaults to `1gb`. */
  logRolloverSize?: string;
  /** Disk of each node for records that Elasticsearch has not taken yet, in Fluentd's units. Defaults to `512m`. */
  fluentdBuffer?: string;
  /** Password of Elasticsearch's superuser. Defaults to a generated one. */
  elasticPassword?: pulumi.Input<string> | undefined;
  /** Password of Kibana's user in Elasticsearch. Defaults to a generated one. */
  kibanaPassword?: pulumi.Input<string> | undefined;
  /** Password of Fluentd's user in Elasticsearch. Defaults to a generated one. */
  fluentdPassword?: pulumi.Input<string> | undefined;
}

/** The ConfigMaps and Secrets of the logging stack; what a Secret holds is spelt as the variable that it becomes. */
export class LoggingConfiguration extends pulumi.ComponentResource {
  /** ConfigMap of Fluentd's configuration. */
  readonly fluentd: k8s.core.v1.ConfigMap;
  /** ConfigMap of what the set-up Job asks of Elasticsearch. */
  readonly elasticsearchSetup: k8s.core.v1.ConfigMap;
  /** ConfigMap of what the data-view Job asks of Kibana. */
  readonly kibanaSetup: k8s.core.v1.ConfigMap;
  /** Secret of Elasticsearch's superuser `elastic`: ELASTIC_PASSWORD. */
  readonly elastic: k8s.core.v1.Secret;
  /** Secret of Kibana: KIBANA_PASSWORD. */
  readonly kibana: k8s.core.v1.Secret;
  /** Secret of the key with which Kibana encrypts what it stores, and its sessions: KIBANA_ENCRYPTION_KEY. */
  readonly kibanaEncryption: k8s.core.v1.Secret;
  /** Secret of Fluentd: FLUENTD_PASSWORD. */
  readonly fluentdUser: k8s.core.v1.Secret;
  /** The passwords in one object, for the stack's outputs. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: LoggingConfigurationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:LoggingConfiguration", name, {}, opts);
    const { configMap, secret, generatedPassword } = configurationObjects(this, name, args.namespace, opts);
    const elasticPassword = pulumi.secret(args.elasticPassword ?? generatedPassword("elastic-password"));
    const kibanaPassword = pulumi.secret(args.kibanaPassword ?? generatedPassword("kibana-password"));
    const fluentdPassword = pulumi.secret(args.fluentdPassword ?? generatedPassword("fluentd-password"));

    const placeholders = {
      ...loggingNames,
      namespace: args.namespace,
      elasticsearchHost: elasticsearchName,
      stateFolder: fluentdState,
      bufferLimit: args.fluentdBuffer ?? "512m",
      retentionDays: String(args.logRetentionDays ?? 7),
      rolloverSize: args.logRolloverSize ?? "1gb",
    };
    const setup = (folder: string) => ({
      "apply.mts": readFileSync("logging/apply.mts", "utf8"),
      "requests.json": JSON.stringify(requestsOf(folder, placeholders), null, 2),
    });
    this.fluentd = configMap(
      "fluentd-configuration",
      fluentdName,
      renderFolder("logging/fluentd", ".conf", placeholders),
    );
    this.elasticsearchSetup = configMap("elasticsearch-setup", elasticsearchName, setup("logging/elasticsearch"));
    this.kibanaSetup = configMap("kibana-setup", kibanaName, setup("logging/kibana"));
    this.elastic = secret("elastic-user", elasticsearchName, { ELASTIC_PASSWORD: elasticPassword });
    this.kibana = secret("kibana-user", kibanaName, { KIBANA_PASSWORD: kibanaPassword });
    this.kibanaEncryption = secret("kibana-encryption", kibanaName, {
      KIBANA_ENCRYPTION_KEY: generatedPassword("kibana-encryption-key"),
    });
    this.fluentdUser = secret("fluentd-user", fluentdName, { FLUENTD_PASSWORD: fluentdPassword });
    this.credentials = pulumi.secret(pulumi.all({ elasticPassword, kibanaPassword, fluentdPassword }));
    this.registerOutputs({
      fluentd: this.fluentd,
      elasticsearchSetup: this.elasticsearchSetup,
      kibanaSetup: this.kibanaSetup,
      elastic: this.elastic,
      kibana: this.kibana,
      kibanaEncryption: this.kibanaEncryption,
      fluentdUser: this.fluentdUser,
      credentials: this.credentials,
    });
  }
}
