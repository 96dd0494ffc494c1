import assert from "node:assert/strict";

import { javaOptions, memoryLimit, rolloverSize } from "../../components/logging/elasticsearch.ts";
import { finder, mainContainer, metadataOf, podSpec, specOf, variables } from "./manifest.ts";
import { defaultProgram, fullProgram, type Inputs } from "./program.ts";

const mysql = "mysql-statefulset";
const migration = "migration-job";
const blog = "blog-deployment";
const elasticsearch = "logging-elasticsearch-statefulset";
const elasticsearchSetup = "logging-elasticsearch-setup-job";
const diskCleanup = "logging-disk-cleanup-cron-job";
const fluentd = "logging-fluentd-daemonset";
const kibana = "logging-kibana-deployment";
const kibanaSetup = "logging-kibana-setup-job";
const ofLogging = [elasticsearch, elasticsearchSetup, diskCleanup, fluentd, kibana, kibanaSetup];

/** The user of a workload's image. Others have 1000. */
const users: Record<string, number> = { [mysql]: 999, [fluentd]: 0 };

const mebibytes = (quantity = "") => parseInt(quantity) * (quantity.endsWith("Gi") ? 1024 : 1);

describe("A workload", () => {
  let find: ReturnType<typeof finder>;
  /** With other settings. */
  let findOther: ReturnType<typeof finder>;

  before(async () => {
    find = finder((await defaultProgram()).resources);
    findOther = finder((await fullProgram()).resources);
  });

  for (const name of [mysql, migration, blog, ...ofLogging]) {
    it(`has the user of its image, a limit of each resource and no right that it does not need: ${name}`, () => {
      const { automountServiceAccountToken, enableServiceLinks, securityContext } = podSpec(find(name));
      const isFluentd = name === fluentd;
      const user = users[name] ?? 1000;
      assert.deepEqual([automountServiceAccountToken, enableServiceLinks], [isFluentd, false]);
      assert.deepEqual(securityContext, {
        runAsUser: user,
        // The entrypoint of Elasticsearch needs the group root.
        runAsGroup: name === elasticsearch ? 0 : user,
        seccompProfile: { type: "RuntimeDefault" },
        ...(!isFluentd && { runAsNonRoot: true, fsGroup: user, fsGroupChangePolicy: "OnRootMismatch" }),
      });
      const { securityContext: rights, imagePullPolicy, resources } = mainContainer(find(name));
      assert.deepEqual(rights, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: name !== elasticsearch,
        capabilities: { drop: ["ALL"] },
      });
      assert.equal(imagePullPolicy, "IfNotPresent");
      const { requests, limits } = resources;
      for (const amounts of [requests, limits]) {
        assert.deepEqual(Object.keys(amounts), ["cpu", "ephemeral-storage", "memory"]);
      }
      assert.ok(mebibytes(requests.memory) <= mebibytes(limits.memory));
    });
  }

  it("keeps passwords in memory, readable by the pod's group only", () => {
    const volumeOf = (name: string, volume: string) =>
      podSpec(find(name)).volumes.find(({ name: own }) => own === volume);
    for (const name of [mysql, migration, blog, fluentd, elasticsearchSetup, diskCleanup, kibanaSetup]) {
      assert.equal(volumeOf(name, "secrets")?.projected.defaultMode, 0o440, name);
    }
    // Scripts write passwords for mysql and curl there.
    assert.equal(volumeOf(mysql, "rendered")?.emptyDir.medium, "Memory");
    for (const name of [elasticsearchSetup, diskCleanup, kibanaSetup]) {
      assert.equal(volumeOf(name, "tmp")?.emptyDir.medium, "Memory", name);
    }
  });

  it("with a slow start gets half an hour, and Pulumi waits longer than a StatefulSet or Job takes", () => {
    for (const name of [mysql, blog, elasticsearch]) {
      const { periodSeconds, failureThreshold } = mainContainer(find(name)).startupProbe;
      assert.equal(periodSeconds * failureThreshold, 1800, name);
    }
    // The server that initializes a volume listens on no port.
    assert.ok(mainContainer(find(mysql)).startupProbe.exec.command.includes("--host=127.0.0.1"));
    for (const name of [mysql, elasticsearch, migration, elasticsearchSetup, kibanaSetup]) {
      const { activeDeadlineSeconds = 1800 } = specOf(find(name)) as { activeDeadlineSeconds?: number };
      const { create = "", update = "" } = find(name).customTimeouts ?? {};
      for (const minutes of [create, update]) assert.ok(parseInt(minutes) * 60 > activeDeadlineSeconds, name);
    }
  });

  it("that failed recovers in the next run: a Job is replaced, a pod that is not ready blocks no new one", () => {
    for (const job of [migration, elasticsearchSetup, kibanaSetup]) {
      assert.deepEqual(metadataOf(find(job)).annotations, { "pulumi.com/replaceUnready": "true" }, job);
    }
    for (const name of [mysql, elasticsearch]) assert.equal(specOf(find(name)).podManagementPolicy, "Parallel", name);
  });

  it("with a volume has one of the configured size and class, and keeps it whatever changes", () => {
    const claim = (storage: string, storageClass: Inputs = {}) => [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], ...storageClass, resources: { requests: { storage } } },
      },
    ];
    for (const [name, component, size, otherSize] of [
      [mysql, "mysql", "1Gi", "7Gi"],
      [elasticsearch, "elasticsearch", "5Gi", "20Gi"],
    ] as const) {
      // docs/operations.md names the claims data-mysql-0 and data-elasticsearch-0.
      assert.equal(metadataOf(find(name)).name, component);
      assert.deepEqual(specOf(find(name)).volumeClaimTemplates, claim(size));
      assert.deepEqual(specOf(findOther(name)).volumeClaimTemplates, claim(otherSize, { storageClassName: "fast" }));
      assert.deepEqual(find(name).ignoreChanges, ["spec.volumeClaimTemplates"]);
      assert.equal(specOf(find(name)).persistentVolumeClaimRetentionPolicy, undefined);
    }
  });

  describe("of the blog", () => {
    it("waits for the database at start, and stays in the Service when the database fails later", () => {
      const { startupProbe, readinessProbe, livenessProbe } = mainContainer(find(blog));
      const probes = [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path);
      assert.deepEqual(probes, ["/readyz", "/healthz", "/healthz"]);
    });

    it("rolls without one pod too few, after the endpoints drained", () => {
      const { replicas, strategy } = specOf(find(blog));
      assert.equal(replicas, 2);
      assert.deepEqual(strategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } });
      const { lifecycle } = mainContainer(find(blog));
      assert.deepEqual(lifecycle, { preStop: { exec: { command: ["sleep", "5"] } } });
      assert.equal(podSpec(find(blog)).terminationGracePeriodSeconds, 35);
      const { maxUnavailable, selector } = specOf(find("blog-disruption-budget"));
      assert.deepEqual([maxUnavailable, selector], [1, specOf(find(blog)).selector]);
    });

    it("spreads over the nodes, shares a single one, and leaves a lost node after 5 s", () => {
      const { topologySpreadConstraints, tolerations } = podSpec(find(blog));
      assert.deepEqual(topologySpreadConstraints, [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: specOf(find(blog)).selector,
          matchLabelKeys: ["pod-template-hash"],
        },
      ]);
      const dropped = "spec.template.spec.topologySpreadConstraints[0].matchLabelKeys";
      assert.deepEqual(find(blog).ignoreChanges, [dropped], "Kubernetes 1.26 drops this field");
      assert.deepEqual(
        tolerations.map(({ key, effect, tolerationSeconds }) => [key, effect, tolerationSeconds]),
        ["not-ready", "unreachable"].map((condition) => [`node.kubernetes.io/${condition}`, "NoExecute", 5]),
      );
    });

    it("lets an autoscaler set the number of pods, or takes it back from a removed one", () => {
      assert.deepEqual(metadataOf(find(blog)).annotations, { "pulumi.com/patchForce": "true" });
      assert.ok(findOther(blog).ignoreChanges.includes("spec.replicas"));
      const { scaleTargetRef, minReplicas, maxReplicas } = specOf(findOther("blog-autoscaler"));
      assert.deepEqual(scaleTargetRef, { apiVersion: "apps/v1", kind: "Deployment", name: "koa-blog" });
      assert.deepEqual([minReplicas, maxReplicas], [3, 6]);
    });
  });

  describe("of the logs", () => {
    it("fits a laptop: the limits sum to at most 3.5 GiB on three nodes", () => {
      const limit = (name: string) => mebibytes(mainContainer(find(name)).resources.limits.memory);
      const sum = ofLogging.reduce((total, name) => total + limit(name) * (name === fluentd ? 3 : 1), 0);
      assert.ok(sum <= 3.5 * 1024, String(sum));
    });

    it("runs Fluentd on every node, where it may look up pods, reads log files and keeps its state", () => {
      const { tolerations, volumes } = podSpec(find(fluentd));
      assert.deepEqual(tolerations, [{ operator: "Exists", effect: "NoSchedule" }]);
      const rules = [{ apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] }];
      assert.deepEqual(find("logging-fluentd-role").inputs.rules, rules);
      const mounts = mainContainer(find(fluentd)).volumeMounts as {
        name: string;
        mountPath: string;
        readOnly?: true;
      }[];
      const hostPaths = (volumes as { name: string; hostPath?: { path: string; type: string } }[])
        .filter(({ hostPath }) => hostPath)
        .map(({ name, hostPath }) => ({ ...hostPath, ...mounts.find((mount) => mount.name === name) }));
      // The links in /var/log/pods have Docker's path.
      const [pods, docker] = ["/var/log/pods", "/var/lib/docker/containers"];
      const [type, readOnly] = ["DirectoryOrCreate", true];
      assert.deepEqual(hostPaths, [
        { name: "pods", path: pods, type: "Directory", mountPath: pods, readOnly },
        { name: "docker", path: docker, type, mountPath: docker, readOnly },
        { name: "state", path: "/var/lib/koa-blog/logging/fluentd", type, mountPath: "/var/lib/fluentd" },
      ]);
      // The cluster may have several stacks.
      assert.match(JSON.stringify(podSpec(findOther(fluentd))), /"\/var\/lib\/koa-blog\/two-logs\/fluentd"/);
      assert.equal(variables(findOther(fluentd)).LOGGING_NAMESPACE, "two-logs");
    });

    it("sizes Elasticsearch by its heap, without log files that would evict its pod", () => {
      assert.deepEqual(["512m", "2g"].map(memoryLimit), ["1280Mi", "4096Mi"]);
      assert.equal(mainContainer(findOther(elasticsearch)).resources.limits.memory, "4096Mi");
      assert.equal(variables(findOther(elasticsearch)).ES_JAVA_OPTS, javaOptions("2g"));
      assert.match(javaOptions("2g"), /^-Xms2g -Xmx2g -Xlog:disable -Xlog:all=warning:stderr/);
      assert.equal(variables(find(elasticsearch))["xpack.security.enabled"], "true");
    });

    it("deletes the oldest logs every ten minutes, before Elasticsearch refuses records", () => {
      const { jobTemplate, ...spec } = specOf(find(diskCleanup)) as { jobTemplate: { spec: Inputs } } & Inputs;
      assert.deepEqual([spec.schedule, spec.concurrencyPolicy], ["*/10 * * * *", "Forbid"]);
      // Without it, a cluster that was stopped for a day never starts a run again.
      assert.equal(spec.startingDeadlineSeconds, 300);
      assert.ok(Number(jobTemplate.spec.activeDeadlineSeconds) < 600, "a run ends before the next one begins");
      assert.deepEqual(mainContainer(find(diskCleanup)).command, ["sh", "/scripts/free-disk.sh"]);
      // The script deletes logs with less than 1500 MB free.
      const { "cluster.routing.allocation.disk.watermark.high": high } = variables(find(elasticsearch));
      assert.equal(high, "1gb");
    });

    it("tells the set-up Job the retention, and a new index after a tenth of the volume", () => {
      assert.deepEqual(["5Gi", "512Mi", "2Ti"].map(rolloverSize), ["512mb", "52mb", "209716mb"]);
      const { RETENTION_DAYS, ROLLOVER_SIZE, URL } = variables(find(elasticsearchSetup));
      assert.deepEqual([RETENTION_DAYS, ROLLOVER_SIZE, URL], ["7", "512mb", "http://elasticsearch:9200"]);
      const other = variables(findOther(elasticsearchSetup));
      assert.deepEqual([other.RETENTION_DAYS, other.ROLLOVER_SIZE], ["30", "2048mb"]);
      assert.equal(variables(find(kibanaSetup)).URL, "http://kibana:5601");
    });

    it("runs one version of Kibana at a time, and keeps Kibana while Elasticsearch restarts", () => {
      assert.deepEqual(specOf(find(kibana)).strategy, { type: "Recreate" });
      const { readinessProbe, livenessProbe } = mainContainer(find(kibana));
      assert.deepEqual([readinessProbe.httpGet.path, livenessProbe.tcpSocket], ["/api/status", { port: "http" }]);
    });
  });
});
