import { readFileSync } from "node:fs";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { generatedPassword } from "../kubernetes/generatedPassword.ts";
import { immutableConfigMap, immutableSecret } from "../kubernetes/immutableObjects.ts";
import { labels, mySqlClient, objectMetadata, selectorLabels, skipAwait } from "../kubernetes/labels.ts";
import { allow, networkPolicy } from "../kubernetes/networkPolicy.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVariable,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import type { BlogConfiguration } from "./blogConfiguration.ts";
import { mysqlContainer } from "./containerSettings.ts";

export interface MySqlArgs {
  /** Namespace of MySQL. */
  namespace: pulumi.Input<string>;
  /** Official image of MySQL, or one with the same environment variables. */
  image: pulumi.Input<string>;
  configuration: BlogConfiguration;
  /** Password of the user root. Defaults to a generated password. */
  rootPassword?: pulumi.Input<string> | undefined;
  /** Size of a new data volume, such as `1Gi`. An existing volume keeps its size. Defaults to `1Gi`. */
  storage?: pulumi.Input<string>;
  /** StorageClass of a new volume. Defaults to the default class of the cluster. */
  storageClass?: pulumi.Input<string> | undefined;
}

/** Name of the Service for MySQL's clients, and of the StatefulSet. */
const mysqlName = "mysql";

/** DNS name of MySQL in a namespace. */
export const mysqlHostIn = (namespace: string) => `${mysqlName}.${namespace}.svc.cluster.local`;

/** MySQL in one pod with a persistent volume. A NetworkPolicy admits only pods with the label of a client. */
export class MySql extends pulumi.ComponentResource {
  /** Password of the user root. Secret. */
  readonly rootPassword: pulumi.Output<string>;

  constructor(name: string, args: MySqlArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:blog:MySql", name, {}, opts);
    const options = { parent: this };
    const metadata = objectMetadata(mysqlName, args.namespace);
    const objectMeta = { namespace: args.namespace, labels: labels(mysqlName) };
    this.rootPassword = pulumi.secret(args.rootPassword ?? generatedPassword(`${name}-root-password`, options));
    const init = immutableConfigMap(
      `${name}-init`,
      objectMeta,
      {
        "schema.sql": readFileSync("db/schema.sql", "utf8"),
        "start-mysql.sh": readFileSync("db/start-mysql.sh", "utf8"),
      },
      options,
    );
    const root = immutableSecret(`${name}-root`, objectMeta, { MYSQL_ROOT_PASSWORD: this.rootPassword }, options);
    const serviceSpec = {
      selector: selectorLabels(mysqlName),
      ports: [{ name: "mysql", port: mysqlContainer.port, targetPort: "mysql" }],
    };
    // A StatefulSet needs a headless Service for the DNS names of its pods.
    const headless = new k8s.core.v1.Service(
      `${name}-headless-service`,
      { metadata: { ...metadata, name: `${mysqlName}-headless` }, spec: { ...serviceSpec, clusterIP: "None" } },
      options,
    );
    // For clients. Its IP address stays the same, while DNS caches keep a pod's old address for 30 s.
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata: { ...metadata, annotations: skipAwait }, spec: serviceSpec },
      options,
    );
    const policy = networkPolicy(`${name}-network-policy`, metadata, [allow("mysql", mySqlClient)], options);
    new k8s.apps.v1.StatefulSet(
      `${name}-statefulset`,
      {
        metadata,
        spec: {
          serviceName: headless.metadata.name,
          replicas: 1,
          // With OrderedReady, a pod that never became ready blocks its own correction (kubernetes/kubernetes#67250).
          podManagementPolicy: "Parallel",
          selector: { matchLabels: selectorLabels(mysqlName) },
          template: { metadata: { labels: labels(mysqlName) }, spec: podSpec(args, init, root) },
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: {
                accessModes: ["ReadWriteOnce"],
                ...(args.storageClass !== undefined && { storageClassName: args.storageClass }),
                resources: { requests: { storage: args.storage ?? "1Gi" } },
              },
            },
          ],
        },
      },
      {
        parent: this,
        dependsOn: [headless, service, policy],
        // Kubernetes refuses a change. docs/operations.md says how to grow a volume.
        ignoreChanges: ["spec.volumeClaimTemplates"],
        // Longer than the startup probe waits. Pulumi's own is 10 minutes.
        customTimeouts: { create: "35m", update: "35m" },
      },
    );
    this.registerOutputs({ rootPassword: this.rootPassword });
  }
}

function podSpec(
  { image, configuration }: MySqlArgs,
  init: k8s.core.v1.ConfigMap,
  root: k8s.core.v1.Secret,
): k8s.types.input.core.v1.PodSpec {
  const { database, databaseUser, imagePullSecrets } = configuration;
  const probe = { exec: { command: ["mysqladmin", "ping", "--host=127.0.0.1", "--connect-timeout=2"] } };
  return {
    ...podDefaults(mysqlContainer.user),
    imagePullSecrets,
    terminationGracePeriodSeconds: mysqlContainer.stopSeconds,
    containers: [
      {
        ...containerDefaults,
        name: "mysql",
        image,
        command: ["bash", "/etc/koa-blog/start-mysql.sh"],
        env: [
          {
            name: "MYSQL_DATABASE",
            valueFrom: { configMapKeyRef: { name: database.metadata.name, key: "MYSQL_DATABASE" } },
          },
          secretVariable("MYSQL_USER", databaseUser),
          ...secretFileVariables(["MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"]),
        ],
        ports: [{ name: "mysql", containerPort: mysqlContainer.port }],
        resources: containerResources(
          { cpu: "100m", memory: "512Mi", disk: "64Mi" },
          // MySQL writes large sorts to /tmp.
          { cpu: "2", memory: `${String(mysqlContainer.memoryMebibytes)}Mi`, disk: "2Gi" },
        ),
        // A restart would begin the initialization or recovery again.
        startupProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: mysqlContainer.startSeconds },
        readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 5 },
        livenessProbe: { ...probe, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
        volumeMounts: [
          { name: "data", mountPath: mysqlContainer.dataFolder },
          { name: "init", mountPath: "/etc/koa-blog", readOnly: true },
          secretMount,
          { name: "rendered", mountPath: mysqlContainer.initFolder },
          { name: "run", mountPath: "/var/run/mysqld" },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "init", configMap: { name: init.metadata.name } },
      secretVolume([databaseUser, root]),
      // The rendered script contains passwords, so the volume is in memory.
      { name: "rendered", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "run", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
    ],
  };
}
