import assert from "node:assert/strict";

import { javaOptions, memoryLimit, rolloverSize } from "../../../components/logging/elasticsearch.ts";
import { Logging, type LoggingArgs } from "../../../components/logging/logging.ts";
import {
  assertAfter,
  assertRights,
  assertSecrets,
  awaited,
  finder,
  listed,
  mainContainer,
  podLabels,
  podSpec,
  specOf,
} from "../manifest.ts";
import { type Inputs, type Registered, runWithMocks, secretValue, settle } from "../program.ts";

/** Registers the component with the images' names, and with other arguments. */
const registerLogging = (args: Partial<LoggingArgs> = {}) => {
  const images = { elasticsearchImage: "elasticsearch:8", kibanaImage: "kibana:8", fluentdImage: "fluentd:1" };
  return runWithMocks(() => new Logging("logging", { namespace: "logging", ...images, ...args }));
};

const elasticsearch = "logging-elasticsearch-statefulset";
const elasticsearchSetup = "logging-elasticsearch-setup-job";
const diskCleanup = "logging-disk-cleanup-cron-job";
const fluentd = "logging-fluentd-daemonset";
const kibana = "logging-kibana-deployment";
const kibanaSetup = "logging-kibana-setup-job";
const workloads = [elasticsearch, elasticsearchSetup, diskCleanup, fluentd, kibana, kibanaSetup];

const mebibytes = (quantity: string | undefined): number =>
  parseInt(quantity ?? "", 10) * ({ Mi: 1, Gi: 1024 }[(quantity ?? "").replace(/\d+/, "")] ?? NaN);

const variables = (workload: Registered) =>
  Object.fromEntries(mainContainer(workload).env.map(({ name, value }) => [name, value]));

describe("The logging component", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await registerLogging());
    find = finder(resources);
  });

  it("registers these resources, all below itself", () => {
    assert.deepEqual(listed(resources), [
      "blog:logging:DiskCleanup logging-disk-cleanup",
      "blog:logging:Elasticsearch logging-elasticsearch",
      "blog:logging:Fluentd logging-fluentd",
      "blog:logging:Kibana logging-kibana",
      "blog:logging:Logging logging",
      "blog:logging:SetupJob logging-elasticsearch-setup",
      "blog:logging:SetupJob logging-kibana-setup",
      "kubernetes:apps/v1:DaemonSet logging-fluentd-daemonset",
      "kubernetes:apps/v1:Deployment logging-kibana-deployment",
      "kubernetes:apps/v1:StatefulSet logging-elasticsearch-statefulset",
      "kubernetes:batch/v1:CronJob logging-disk-cleanup-cron-job",
      "kubernetes:batch/v1:Job logging-elasticsearch-setup-job",
      "kubernetes:batch/v1:Job logging-kibana-setup-job",
      "kubernetes:core/v1:ConfigMap logging-disk-cleanup-files",
      "kubernetes:core/v1:ConfigMap logging-elasticsearch-setup-files",
      "kubernetes:core/v1:ConfigMap logging-fluentd-configuration",
      "kubernetes:core/v1:ConfigMap logging-kibana-setup-files",
      "kubernetes:core/v1:Namespace logging-namespace",
      "kubernetes:core/v1:Secret logging-elastic-user",
      "kubernetes:core/v1:Secret logging-fluentd-user",
      "kubernetes:core/v1:Secret logging-kibana-encryption",
      "kubernetes:core/v1:Secret logging-kibana-user",
      "kubernetes:core/v1:Service logging-elasticsearch-service",
      "kubernetes:core/v1:Service logging-kibana-service",
      "kubernetes:core/v1:ServiceAccount logging-fluentd-service-account",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-elasticsearch-network-policy",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-kibana-network-policy",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-network-policy",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole logging-fluentd-role",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding logging-fluentd-role-binding",
      "random:index/randomPassword:RandomPassword logging-elastic-password",
      "random:index/randomPassword:RandomPassword logging-fluentd-password",
      "random:index/randomPassword:RandomPassword logging-kibana-encryption-key",
      "random:index/randomPassword:RandomPassword logging-kibana-password",
    ]);
    for (const { name, parent } of resources) assert.equal(parent === "", name === "logging", name);
  });

  for (const [later, earlier] of [
    [elasticsearch, "logging-namespace"],
    [elasticsearch, "logging-network-policy"],
    [elasticsearch, "logging-elasticsearch-service"],
    [elasticsearch, "logging-elasticsearch-network-policy"],
    [elasticsearchSetup, elasticsearch],
    [diskCleanup, elasticsearchSetup],
    [fluentd, elasticsearchSetup],
    [fluentd, "logging-fluentd-role-binding"],
    [kibana, elasticsearchSetup],
    [kibana, "logging-kibana-service"],
    [kibana, "logging-kibana-network-policy"],
    [kibanaSetup, kibana],
  ] as const) {
    it(`creates ${later} after ${earlier}`, () => {
      assertAfter(resources, find(later), find(earlier));
    });
  }

  it("lets neither Fluentd nor Kibana wait for the other one", () => {
    assert.ok(!awaited(resources, find(fluentd)).has(find(kibana).urn));
    assert.ok(!awaited(resources, find(kibana)).has(find(fluentd).urn));
  });

  it("corrects what failed: a Job that failed is replaced, and a pod that is not ready blocks no new one", () => {
    for (const name of [elasticsearchSetup, kibanaSetup]) {
      const { metadata, spec } = find(name).inputs as { metadata: Inputs; spec: { activeDeadlineSeconds: number } };
      assert.deepEqual(metadata.annotations, { "pulumi.com/replaceUnready": "true" });
      for (const timeout of [find(name).customTimeouts?.create, find(name).customTimeouts?.update]) {
        assert.ok(parseInt(timeout ?? "", 10) * 60 > spec.activeDeadlineSeconds, timeout);
      }
    }
    assert.equal(specOf(find(elasticsearch)).podManagementPolicy, "Parallel");
  });

  it("gives Elasticsearch a volume, and keeps the volume when its settings change", async () => {
    const templates = (all: Registered[]) => specOf(finder(all)(elasticsearch)).volumeClaimTemplates;
    const template = (spec: Inputs) => [
      { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], ...spec } },
    ];
    assert.deepEqual(templates(resources), template({ resources: { requests: { storage: "5Gi" } } }));
    const other = await registerLogging({ storage: "9Gi", storageClass: "fast" });
    assert.deepEqual(
      templates(other.resources),
      template({ storageClassName: "fast", resources: { requests: { storage: "9Gi" } } }),
    );
    assert.deepEqual(find(elasticsearch).ignoreChanges, ["spec.volumeClaimTemplates"]);
  });

  it("waits for a slow disk: half an hour for Elasticsearch's start, and Pulumi longer", () => {
    const { periodSeconds, failureThreshold } = mainContainer(find(elasticsearch)).startupProbe;
    assert.equal(periodSeconds * failureThreshold, 1800);
    const { create = "", update = "" } = find(elasticsearch).customTimeouts ?? {};
    for (const timeout of [create, update]) assert.ok(parseInt(timeout, 10) * 60 > 1800, timeout);
  });

  it("deletes the oldest logs of an almost full disk, with one run at a time and few finished runs", () => {
    const { jobTemplate, ...spec } = specOf(find(diskCleanup)) as { jobTemplate: { spec: Inputs } };
    assert.deepEqual(spec, {
      schedule: "*/10 * * * *",
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 300,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
    });
    // A run ends before the next one begins.
    const { backoffLimit, activeDeadlineSeconds } = jobTemplate.spec as Record<string, number>;
    assert.equal(backoffLimit, 0);
    assert.ok(Number(activeDeadlineSeconds) < 600);
    assert.deepEqual(mainContainer(find(diskCleanup)).command, ["sh", "/scripts/free-disk.sh"]);
    assert.ok("free-disk.sh" in (find("logging-disk-cleanup-files").inputs.data as Inputs));
    assert.equal(variables(find(diskCleanup)).URL, "http://elasticsearch:9200");
  });

  it("begins a new index after a tenth of the volume, so that there are old ones to delete", async () => {
    assert.deepEqual(["5Gi", "512Mi", "2Ti"].map(rolloverSize), ["512mb", "52mb", "209716mb"]);
    assert.equal(variables(find(elasticsearchSetup)).ROLLOVER_SIZE, "512mb");
    const other = finder((await registerLogging({ storage: "20Gi" })).resources);
    assert.equal(variables(other(elasticsearchSetup)).ROLLOVER_SIZE, "2048mb");
  });

  for (const name of workloads) {
    it(`gives the pods of ${name} no more rights than they need, and no secret in a variable`, () => {
      const isFluentd = name === fluentd;
      assertRights(find(name), { user: isFluentd ? 0 : 1000, hasToken: isFluentd, canWrite: name === elasticsearch });
      for (const { name: variable, value, valueFrom } of mainContainer(find(name)).env) {
        if (/PASSWORD$|KEY$/.test(variable)) assert.ok(valueFrom.secretKeyRef.name.startsWith("logging-"), variable);
        if (variable.endsWith("_FILE")) assert.match(value, /^\/run\/secrets\//);
      }
    });
  }

  it("fits a laptop: its limits sum to at most 3.5 GiB on three nodes, and no request is above its limit", () => {
    const limits = workloads.map((name) => {
      const { requests, limits } = mainContainer(find(name)).resources;
      assert.ok(mebibytes(requests.memory) <= mebibytes(limits.memory), name);
      return mebibytes(limits.memory) * (name === fluentd ? 3 : 1);
    });
    assert.ok(limits.reduce((one, other) => one + other) <= 3.5 * 1024, limits.join(" + "));
  });

  it("sizes Elasticsearch's container by its heap, and Kibana's above its heap", async () => {
    assert.deepEqual(["512m", "2g"].map(memoryLimit), ["1280Mi", "4096Mi"]);
    const other = finder((await registerLogging({ heap: "1g" })).resources)(elasticsearch);
    for (const [workload, heap, memory] of [
      [find(elasticsearch), "512m", "1280Mi"],
      [other, "1g", "2048Mi"],
    ] as const) {
      assert.equal(mainContainer(workload).resources.limits.memory, memory);
      assert.equal(variables(workload).ES_JAVA_OPTS, javaOptions(heap));
    }
    assert.match(variables(find(kibana)).NODE_OPTIONS ?? "", /=1024$/);
    assert.equal(mainContainer(find(kibana)).resources.limits.memory, "1536Mi");
  });

  it("lets Java write no log files, which would evict the pod, and only warnings to stderr", () => {
    assert.equal(javaOptions("2g"), "-Xms2g -Xmx2g -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags");
  });

  it("keeps each password in a Secret, and in no ConfigMap", async () => {
    assert.equal(variables(find(elasticsearch))["xpack.security.enabled"], "true");
    assertSecrets(find, {
      "logging-elastic-user": { ELASTIC_PASSWORD: "result of logging-elastic-password" },
      "logging-kibana-user": { KIBANA_PASSWORD: "result of logging-kibana-password" },
      "logging-kibana-encryption": { KIBANA_ENCRYPTION_KEY: "result of logging-kibana-encryption-key" },
      "logging-fluentd-user": { FLUENTD_PASSWORD: "result of logging-fluentd-password" },
    });
    for (const { name, inputs } of resources.filter(({ type }) => type.endsWith(":ConfigMap"))) {
      assert.ok(!JSON.stringify(inputs).includes("result of"), name);
    }
    const { resources: others, result } = await registerLogging({ elasticPassword: "chosen" });
    assertSecrets(finder(others), { "logging-elastic-user": { ELASTIC_PASSWORD: "chosen" } });
    assert.deepEqual(await settle(result.elasticPassword), { value: "chosen", isSecret: true });
  });

  it("lets each pod read the passwords that it needs", () => {
    const secretsOf = (name: string) => {
      const named = JSON.stringify(podSpec(find(name))).matchAll(/"name":"(logging-[\w-]+)-auto"/g);
      const secrets = [...new Set([...named].map(([, secret = ""]) => secret))];
      return secrets.filter((secret) => find(secret).type.endsWith(":Secret")).sort();
    };
    assert.deepEqual(Object.fromEntries(workloads.map((name) => [name, secretsOf(name)])), {
      [elasticsearch]: ["logging-elastic-user"],
      [diskCleanup]: ["logging-elastic-user"],
      [elasticsearchSetup]: ["logging-elastic-user", "logging-fluentd-user", "logging-kibana-user"],
      [kibana]: ["logging-kibana-encryption", "logging-kibana-user"],
      [kibanaSetup]: ["logging-elastic-user"],
      [fluentd]: ["logging-fluentd-user"],
    });
  });

  it("admits only marked pods, and with a node port all clients of Kibana", async () => {
    assert.deepEqual(specOf(find("logging-network-policy")), { podSelector: {}, policyTypes: ["Ingress"] });
    const clients = (name: string) => {
      const { podSelector, ingress } = specOf(find(name)) as {
        podSelector: { matchLabels: Record<string, string> };
        ingress: { from: { podSelector: { matchLabels: Record<string, string> } }[]; ports: unknown[] }[];
      };
      assert.deepEqual(ingress[0]?.ports, [{ port: "http", protocol: "TCP" }]);
      const [label = ""] = Object.keys(ingress[0].from[0]?.podSelector.matchLabels ?? {});
      const marked = workloads.filter((workload) => podLabels(find(workload))[label] === "true");
      return [podSelector.matchLabels["app.kubernetes.io/name"], ...marked];
    };
    assert.deepEqual(clients("logging-elasticsearch-network-policy"), [
      "elasticsearch",
      ...[elasticsearchSetup, diskCleanup, fluentd, kibana],
    ]);
    assert.deepEqual(clients("logging-kibana-network-policy"), ["kibana", kibanaSetup]);
    assert.equal(specOf(find("logging-kibana-service")).type, "ClusterIP");

    const other = finder((await registerLogging({ kibanaNodePort: 30601 })).resources);
    const { type, ports } = specOf(other("logging-kibana-service"));
    assert.equal(type, "NodePort");
    assert.deepEqual(ports, [{ name: "http", port: 5601, targetPort: "http", nodePort: 30601 }]);
    assert.deepEqual(specOf(other("logging-kibana-network-policy")).ingress, [
      { ports: [{ port: "http", protocol: "TCP" }] },
    ]);
  });

  it("runs Fluentd on every node, with the right to look up pods, and with its state on the node", () => {
    const { tolerations, volumes } = podSpec(find(fluentd));
    assert.deepEqual(tolerations, [{ operator: "Exists", effect: "NoSchedule" }]);
    assert.deepEqual(find("logging-fluentd-role").inputs.rules, [
      { apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] },
    ]);
    const mounts = mainContainer(find(fluentd)).volumeMounts as { name: string; readOnly?: boolean }[];
    const writable = mounts.filter(({ readOnly }) => !readOnly).map(({ name }) => name);
    assert.deepEqual(writable, ["state", "tmp"]);
    const paths = (volumes as { hostPath?: { path: string } }[]).flatMap(({ hostPath }) => hostPath?.path ?? []);
    assert.deepEqual(paths, ["/var/log/pods", "/var/lib/docker/containers", "/var/lib/koa-blog/logging/fluentd"]);
  });

  it("lets Fluentd read Docker's files at the path that the links in /var/log/pods have, if the node has Docker", () => {
    const { volumes } = podSpec(find(fluentd)) as { volumes: { name: string; hostPath?: unknown }[] };
    const path = "/var/lib/docker/containers";
    assert.deepEqual(volumes.find(({ name }) => name === "docker")?.hostPath, { path, type: "DirectoryOrCreate" });
    const mount = mainContainer(find(fluentd)).volumeMounts.find(({ name }) => name === "docker");
    assert.deepEqual(mount, { name: "docker", mountPath: path, readOnly: true });
  });

  it("starts Fluentd with positions of existing files only, and with little memory for garbage", () => {
    const { FLUENTD_OPT, RUBY_GC_MALLOC_LIMIT_MAX, RUBY_GC_OLDMALLOC_LIMIT_MAX } = variables(find(fluentd));
    assert.equal(FLUENTD_OPT, "--no-supervisor -r /fluentd/etc/positions.rb");
    assert.ok("positions.rb" in (find("logging-fluentd-configuration").inputs.data as Inputs));
    assert.deepEqual([RUBY_GC_MALLOC_LIMIT_MAX, RUBY_GC_OLDMALLOC_LIMIT_MAX], ["8388608", "16777216"]);
  });

  it("shares no name with a stack in another namespace of the cluster", async () => {
    const other = (await registerLogging({ namespace: "staging-logs" })).resources;
    const identity = ({ type, inputs }: Registered) => {
      const { name, namespace } = inputs.metadata as { name?: string; namespace?: string };
      return `${type} ${namespace ?? ""} ${name ?? "generated"}`;
    };
    const ofKubernetes = (all: Registered[]) => all.filter(({ type }) => type.startsWith("kubernetes:")).map(identity);
    const first = ofKubernetes(resources);
    assert.deepEqual(
      ofKubernetes(other).filter((name) => first.includes(name)),
      [],
    );
    const paths = JSON.stringify(podSpec(finder(other)(fluentd)));
    assert.match(paths, /"\/var\/lib\/koa-blog\/staging-logs\/fluentd"/);
    assert.equal(variables(finder(other)(fluentd)).LOGGING_NAMESPACE, "staging-logs");
  });

  it("pulls all images with the login of a private registry", async () => {
    for (const name of workloads) assert.ok(!("imagePullSecrets" in podSpec(find(name))), name);
    const registryLogin = { server: "registry.example.com", username: "me", password: "secret" };
    const other = finder((await registerLogging({ registryLogin })).resources);
    for (const name of workloads) {
      assert.deepEqual(podSpec(other(name)).imagePullSecrets, [{ name: "logging-pull-secret-auto" }], name);
    }
    const { type, stringData } = other("logging-pull-secret").inputs;
    assert.equal(type, "kubernetes.io/dockerconfigjson");
    const { ".dockerconfigjson": text } = secretValue(stringData) as Record<string, string>;
    assert.deepEqual(JSON.parse(text ?? ""), {
      auths: { "registry.example.com": { username: "me", password: "secret", auth: btoa("me:secret") } },
    });
  });

  it("runs the images that it is given, and passes the days to the set-up Job", async () => {
    assert.deepEqual(
      workloads.map((name) => mainContainer(find(name)).image),
      ["elasticsearch:8", "elasticsearch:8", "elasticsearch:8", "fluentd:1", "kibana:8", "elasticsearch:8"],
    );
    assert.equal(variables(find(elasticsearchSetup)).RETENTION_DAYS, "7");
    const other = finder((await registerLogging({ retentionDays: 30 })).resources);
    assert.equal(variables(other(elasticsearchSetup)).RETENTION_DAYS, "30");
    assert.equal(variables(find(elasticsearchSetup)).URL, "http://elasticsearch:9200");
    assert.equal(variables(find(kibanaSetup)).URL, "http://kibana:5601");
  });
});
