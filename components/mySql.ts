import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { mySqlName, mySqlPrimaryName, type BlogConfiguration, type MySqlConfiguration } from "./blogConfiguration.ts";
import { mySqlContract, secretsFolder } from "./contract.ts";
import { beforePods, labels, mySqlClient, selectorLabels } from "./labels.ts";
import { clientPolicy } from "./networkPolicies.ts";
import { childOptions, dependencies } from "./options.ts";
import {
  containerResources,
  containerSecurityContext,
  podDefaults,
  podSecurityContext,
  pullSecrets,
  secretFileVariables,
  secretVolume,
} from "./pods.ts";

export interface MySqlArgs {
  /** Namespace of the objects. */
  namespace: pulumi.Input<string>;
  /** Image of MySQL, the official one or one with the same environment contract. */
  image: pulumi.Input<string>;
  /** ConfigMaps and Secrets that MySQL reads, with the Secrets that let a node pull the image. */
  configuration: Pick<BlogConfiguration, "database" | "databaseUser" | "imagePullSecrets">;
  /** ConfigMaps and Secrets that only MySQL reads. */
  server: MySqlConfiguration;
  /** Size of the volume that holds the data, such as `1Gi`. Defaults to `1Gi`. */
  storage?: pulumi.Input<string>;
  /** StorageClass of that volume. Defaults to the cluster's own. */
  storageClass?: string | undefined;
}

/**
 * MySQL: one pod with a persistent volume behind a headless Service, and another Service by which the pods marked as its clients
 * reach it.
 */
export class MySql extends pulumi.ComponentResource {
  /** The headless Service: the StatefulSet's own. */
  readonly service: k8s.core.v1.Service;
  /** The Service with an address, which stays the same when the pod gets another one; a name server keeps the pod's for half a minute. */
  readonly primary: k8s.core.v1.Service;
  /** The StatefulSet: ready when MySQL answers. */
  readonly statefulSet: k8s.apps.v1.StatefulSet;

  constructor(name: string, args: MySqlArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:MySql", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = { name: mySqlName, namespace: args.namespace, labels: labels(mySqlName) };
    const spec = {
      selector: selectorLabels(mySqlName),
      ports: [{ name: "mysql", port: mySqlContract.port, targetPort: "mysql" }],
    };

    const networkPolicy = clientPolicy(
      `${name}-clients`,
      { namespace: args.namespace, component: mySqlName, port: "mysql", client: mySqlClient },
      options,
    );
    this.service = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata, spec: { ...spec, clusterIP: "None" } },
      options,
    );
    this.primary = new k8s.core.v1.Service(
      `${name}-primary`,
      {
        metadata: { ...metadata, name: mySqlPrimaryName, annotations: beforePods },
        spec,
      },
      options,
    );
    this.statefulSet = new k8s.apps.v1.StatefulSet(
      `${name}-statefulset`,
      { metadata, spec: statefulSetSpec(args) },
      { ...options, dependsOn: [...dependencies(opts), this.service, this.primary, networkPolicy] },
    );
    this.registerOutputs({ service: this.service, primary: this.primary, statefulSet: this.statefulSet });
  }
}

function statefulSetSpec(args: MySqlArgs): k8s.types.input.apps.v1.StatefulSetSpec {
  const { database, databaseUser, imagePullSecrets } = args.configuration;
  const { init, root } = args.server;
  const answers = { exec: { command: ["mysqladmin", "ping", "--host=127.0.0.1", "--connect-timeout=2"] } };
  return {
    serviceName: mySqlName,
    replicas: 1,
    selector: { matchLabels: selectorLabels(mySqlName) },
    template: {
      metadata: { labels: labels(mySqlName) },
      spec: {
        ...podDefaults,
        ...pullSecrets(imagePullSecrets),
        securityContext: podSecurityContext(mySqlContract.user),
        terminationGracePeriodSeconds: mySqlContract.stopSeconds,
        containers: [
          {
            name: mySqlName,
            image: args.image,
            imagePullPolicy: "IfNotPresent",
            command: ["bash", "/etc/koa-blog/start-mysql.sh"],
            env: [
              {
                name: "MYSQL_DATABASE",
                valueFrom: { configMapKeyRef: { name: database.metadata.name, key: "MYSQL_DATABASE" } },
              },
              {
                name: "MYSQL_USER",
                valueFrom: { secretKeyRef: { name: databaseUser.metadata.name, key: "MYSQL_USER" } },
              },
              ...secretFileVariables(["MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"]),
            ],
            ports: [{ name: "mysql", containerPort: mySqlContract.port }],
            securityContext: containerSecurityContext,
            resources: containerResources(
              { cpu: "100m", memory: "512Mi", disk: "64Mi" },
              // Large sorts go to /tmp.
              { cpu: "2", memory: `${String(mySqlContract.memoryMebibytes)}Mi`, disk: "2Gi" },
            ),
            // The first start initialises the volume, which takes minutes on a slow disk.
            startupProbe: { ...answers, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 150 },
            readinessProbe: { ...answers, periodSeconds: 5, timeoutSeconds: 5 },
            livenessProbe: { ...answers, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
            volumeMounts: [
              { name: "data", mountPath: mySqlContract.dataFolder },
              { name: "init", mountPath: "/etc/koa-blog", readOnly: true },
              { name: "secrets", mountPath: secretsFolder, readOnly: true },
              { name: "rendered", mountPath: mySqlContract.initFolder },
              { name: "run", mountPath: "/var/run/mysqld" },
              { name: "tmp", mountPath: "/tmp" },
            ],
          },
        ],
        volumes: [
          { name: "init", configMap: { name: init.metadata.name } },
          secretVolume("secrets", [databaseUser.metadata.name, root.metadata.name]),
          // The rendered script holds the passwords: in memory only.
          { name: "rendered", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
          { name: "run", emptyDir: {} },
          { name: "tmp", emptyDir: {} },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data", labels: labels(mySqlName) },
        spec: {
          accessModes: ["ReadWriteOnce"],
          ...(args.storageClass && { storageClassName: args.storageClass }),
          resources: { requests: { storage: args.storage ?? "1Gi" } },
        },
      },
    ],
  };
}
