import { readFileSync } from "node:fs";

import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import { configurationObjects } from "../kubernetes/configurationObjects.ts";
import { renderFolder } from "./loggingFiles.ts";
import { elasticsearchName, fluentdName, fluentdState, kibanaName, loggingNames } from "./loggingNames.ts";

/** Arguments of the components whose pods read the configuration. */
export interface LoggingPodArgs {
  namespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  configuration: LoggingConfiguration;
}

/** ConfigMaps and Secrets of the logs. The Secrets' keys are the names of environment variables. */
export class LoggingConfiguration extends pulumi.ComponentResource {
  /** ConfigMap with Fluentd's configuration. */
  readonly fluentd: k8s.core.v1.ConfigMap;
  /** ConfigMap with the setup Job's requests to Elasticsearch. */
  readonly elasticsearchSetup: k8s.core.v1.ConfigMap;
  /** ConfigMap with the setup Job's requests to Kibana. */
  readonly kibanaSetup: k8s.core.v1.ConfigMap;
  /** Secret with ELASTIC_PASSWORD, the password of the superuser elastic. */
  readonly elastic: k8s.core.v1.Secret;
  /** Secret with KIBANA_PASSWORD. */
  readonly kibana: k8s.core.v1.Secret;
  /** Secret with KIBANA_ENCRYPTION_KEY, for Kibana's sessions and saved objects. */
  readonly kibanaEncryption: k8s.core.v1.Secret;
  /** Secret with FLUENTD_PASSWORD. */
  readonly fluentdUser: k8s.core.v1.Secret;
  /** The passwords for the stack's outputs. Secret. */
  readonly credentials: pulumi.Output<Record<string, string>>;

  constructor(name: string, config: StackConfig, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:logging:LoggingConfiguration", name, {}, opts);
    const { configMap, secret, generatedPassword } = configurationObjects(this, name, config.loggingNamespace, opts);
    const elasticPassword = pulumi.secret(config.elasticPassword ?? generatedPassword("elastic-password"));
    const kibanaPassword = pulumi.secret(config.kibanaPassword ?? generatedPassword("kibana-password"));
    const fluentdPassword = pulumi.secret(config.fluentdPassword ?? generatedPassword("fluentd-password"));

    const placeholders = {
      ...loggingNames,
      namespace: config.loggingNamespace,
      elasticsearchHost: elasticsearchName,
      stateFolder: fluentdState,
      bufferLimit: config.fluentdBuffer,
      retentionDays: String(config.logRetentionDays),
      rolloverSize: config.logRolloverSize,
    };
    const setup = (folder: string) => ({
      "apply.mts": readFileSync("components/logging/apply.mts", "utf8"),
      ...renderFolder(folder, placeholders),
    });
    this.fluentd = configMap("fluentd-configuration", fluentdName, renderFolder("logging/fluentd", placeholders));
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
