import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { mySqlContract } from "../kubernetes/contract.ts";
import { beforePods, mySqlClient, objectMetadata, selectorLabels } from "../kubernetes/labels.ts";
import {
  containerDefaults,
  containerResources,
  podDefaults,
  secretFileVariables,
  secretMount,
  secretVariable,
  secretVolume,
} from "../kubernetes/podDefaults.ts";
import { singlePod } from "../kubernetes/singlePod.ts";
import { type BlogConfiguration, type MySqlConfiguration, mySqlName, mySqlPrimaryName } from "./blogConfiguration.ts";

export interface MySqlArgs extends Pick<StackConfig, "namespace" | "mysqlStorage" | "storageClass"> {
  /** Official image of MySQL, or one with the same environment variables. */
  image: pulumi.Input<string>;
  /** Objects that MySQL and the blog read. */
  configuration: Pick<BlogConfiguration, "database" | "databaseUser" | "imagePullSecrets">;
  /** Objects that only MySQL reads. */
  server: MySqlConfiguration;
}

/** MySQL in one pod with a persistent volume. A NetworkPolicy admits only pods with the label of a client. */
export class MySql extends pulumi.ComponentResource {
  constructor(name: string, args: MySqlArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:kubernetes:MySql", name, {}, opts);
    const options = childOptions(this, opts);
    const metadata = objectMetadata(mySqlName, args.namespace);
    const spec = {
      selector: selectorLabels(mySqlName),
      ports: [{ name: "mysql", port: mySqlContract.port, targetPort: "mysql" }],
    };
    const headless = new k8s.core.v1.Service(
      `${name}-service`,
      { metadata, spec: { ...spec, clusterIP: "None" } },
      options,
    );
    // For clients. Its IP address stays the same, while DNS caches keep a pod's old address for 30 s.
    const primary = new k8s.core.v1.Service(
      `${name}-primary`,
      { metadata: { ...metadata, name: mySqlPrimaryName, annotations: beforePods }, spec },
      options,
    );
    singlePod(
      this,
      name,
      {
        metadata,
        port: "mysql",
        client: mySqlClient,
        storage: args.mysqlStorage,
        storageClass: args.storageClass,
        pod: podSpec(args),
        after: [headless, primary],
      },
      opts,
    );
    this.registerOutputs();
  }
}

function podSpec(args: MySqlArgs) {
  const { database, databaseUser, imagePullSecrets } = args.configuration;
  const { init, root } = args.server;
  const answers = { exec: { command: ["mysqladmin", "ping", "--host=127.0.0.1", "--connect-timeout=2"] } };
  return {
    ...podDefaults(mySqlContract.user),
    ...(imagePullSecrets && { imagePullSecrets }),
    terminationGracePeriodSeconds: mySqlContract.stopSeconds,
    containers: [
      {
        ...containerDefaults,
        name: mySqlName,
        image: args.image,
        command: ["bash", "/etc/koa-blog/start-mysql.sh"],
        env: [
          {
            name: "MYSQL_DATABASE",
            valueFrom: { configMapKeyRef: { name: database.metadata.name, key: "MYSQL_DATABASE" } },
          },
          secretVariable("MYSQL_USER", databaseUser),
          ...secretFileVariables(["MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"]),
        ],
        ports: [{ name: "mysql", containerPort: mySqlContract.port }],
        resources: containerResources(
          { cpu: "100m", memory: "512Mi", disk: "64Mi" },
          // MySQL writes large sorts to /tmp.
          { cpu: "2", memory: `${String(mySqlContract.memoryMebibytes)}Mi`, disk: "2Gi" },
        ),
        // The first start initializes the volume, which takes minutes on a slow disk.
        startupProbe: { ...answers, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 300 },
        readinessProbe: { ...answers, periodSeconds: 5, timeoutSeconds: 5 },
        livenessProbe: { ...answers, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
        volumeMounts: [
          { name: "data", mountPath: mySqlContract.dataFolder },
          { name: "init", mountPath: "/etc/koa-blog", readOnly: true },
          secretMount,
          { name: "rendered", mountPath: mySqlContract.initFolder },
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
  } satisfies k8s.types.input.core.v1.PodSpec;
}
