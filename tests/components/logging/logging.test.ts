import assert from "node:assert/strict";

import { javaOptions, memoryLimit } from "../../../components/logging/elasticsearch.ts";
import { assertRights, assertSecrets, finder, mainContainer, podLabels, podSpec, specOf } from "../manifest.ts";
import { type Inputs, type Registered, runProgram } from "../program.ts";

const workloads = [
  "logging-elasticsearch-statefulset",
  "logging-elasticsearch-setup-job",
  "logging-kibana-deployment",
  "logging-kibana-setup-job",
  "logging-fluentd-daemonset",
];

const mebibytes = (quantity: string | undefined): number =>
  parseInt(quantity ?? "", 10) * ({ Mi: 1, Gi: 1024 }[(quantity ?? "").replace(/\d+/, "")] ?? NaN);

describe("The logging stack", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await runProgram());
    find = finder(resources);
  });

  for (const name of workloads) {
    it(`gives the pods of ${name} no more than they need`, () => {
      const isFluentd = name.includes("fluentd");
      const canWrite = name === "logging-elasticsearch-statefulset";
      assertRights(find(name), { user: isFluentd ? 0 : 1000, hasToken: isFluentd, canWrite });
    });

    it(`shows no secret in the variables of ${name}`, () => {
      for (const { name: variable, value, valueFrom } of mainContainer(find(name)).env) {
        if (/PASSWORD$|KEY$/.test(variable)) assert.ok(valueFrom.secretKeyRef.name.startsWith("logging-"), variable);
        if (variable.endsWith("_FILE")) assert.match(value, /^\/run\/secrets\//);
      }
    });
  }

  it("fits a laptop: its limits sum to at most 3.5 GiB on three nodes, and no request is above its limit", () => {
    const nodes = 3;
    const limits = workloads.map((name) => {
      const { requests, limits: most } = mainContainer(find(name)).resources;
      assert.ok(mebibytes(requests.memory) <= mebibytes(most.memory), name);
      assert.ok(most.cpu);
      return mebibytes(most.memory) * (name.includes("fluentd") ? nodes : 1);
    });
    const sum = limits.reduce((one, other) => one + other);
    assert.ok(sum <= 3.5 * 1024, `${String(sum)} MiB`);
  });

  it("gives Elasticsearch's container the heap and as much again, or 768 MiB", () => {
    assert.equal(memoryLimit("512m"), "1280Mi");
    assert.equal(memoryLimit("2g"), "4096Mi");
    const { env } = mainContainer(find("logging-elasticsearch-statefulset"));
    assert.equal(env.find(({ name }) => name === "ES_JAVA_OPTS")?.value, javaOptions("512m"));
  });

  it("lets Java write no files of logs, which would evict the pod, and only warnings to stderr", () => {
    assert.equal(javaOptions("2g"), "-Xms2g -Xmx2g -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags");
  });

  it("gives Kibana's container half as much again as its heap", () => {
    const { env, resources } = mainContainer(find("logging-kibana-deployment"));
    assert.equal(env.find(({ name }) => name === "NODE_OPTIONS")?.value, "--max-old-space-size=1024");
    assert.equal(resources.limits.memory, "1536Mi");
  });

  it("asks for passwords, and keeps each in a Secret, where no other ConfigMap has it", () => {
    const { env } = mainContainer(find("logging-elasticsearch-statefulset"));
    assert.equal(env.find(({ name }) => name === "xpack.security.enabled")?.value, "true");
    assertSecrets(find, {
      "logging-elastic-user": { ELASTIC_PASSWORD: "result of logging-elastic-password" },
      "logging-kibana-user": { KIBANA_PASSWORD: "result of logging-kibana-password" },
      "logging-kibana-encryption": { KIBANA_ENCRYPTION_KEY: "result of logging-kibana-encryption-key" },
      "logging-fluentd-user": { FLUENTD_PASSWORD: "result of logging-fluentd-password" },
    });
    for (const { name, inputs } of resources.filter(({ type }) => type.endsWith(":ConfigMap"))) {
      assert.ok(!JSON.stringify(inputs).includes("result of"), name);
    }
  });

  it("lets each pod read the passwords that it needs", () => {
    const secretsOf = (name: string) => {
      const { volumes } = podSpec(find(name));
      const mounted = (volumes as typeof volumes | undefined)?.flatMap(({ projected }) =>
        ((projected as typeof projected | undefined)?.sources ?? []).map(({ secret }) => secret.name),
      );
      const variables = mainContainer(find(name)).env.flatMap(({ valueFrom }) => {
        const reference = (valueFrom as typeof valueFrom | undefined)?.secretKeyRef as { name: string } | undefined;
        return reference ? [reference.name] : [];
      });
      return [...new Set([...(mounted ?? []), ...variables])].map((secret) => secret.replace(/-auto$/, "")).sort();
    };
    assert.deepEqual(Object.fromEntries(workloads.map((name) => [name, secretsOf(name)])), {
      "logging-elasticsearch-statefulset": ["logging-elastic-user"],
      "logging-elasticsearch-setup-job": ["logging-elastic-user", "logging-fluentd-user", "logging-kibana-user"],
      "logging-kibana-deployment": ["logging-kibana-encryption", "logging-kibana-user"],
      "logging-kibana-setup-job": ["logging-elastic-user"],
      "logging-fluentd-daemonset": ["logging-fluentd-user"],
    });
  });

  it("is closed to pods that are not marked as clients, and to everything outside the cluster", () => {
    assert.deepEqual(find("logging-deny-ingress").inputs.spec, { podSelector: {}, policyTypes: ["Ingress"] });
    const clients = (policy: string) => {
      const { podSelector, ingress } = find(policy).inputs.spec as {
        podSelector: { matchLabels: Record<string, string> };
        ingress: { from: { podSelector: { matchLabels: Record<string, string> } }[]; ports: unknown[] }[];
      };
      assert.deepEqual(ingress[0]?.ports, [{ port: "http", protocol: "TCP" }]);
      const [label = ""] = Object.keys(ingress[0].from[0]?.podSelector.matchLabels ?? {});
      const marked = workloads.filter((name) => podLabels(find(name))[label] === "true");
      return [podSelector.matchLabels["app.kubernetes.io/name"], ...marked];
    };
    assert.deepEqual(clients("logging-elasticsearch-clients"), [
      "elasticsearch",
      "logging-elasticsearch-setup-job",
      "logging-kibana-deployment",
      "logging-fluentd-daemonset",
    ]);
    assert.deepEqual(clients("logging-kibana-clients"), ["kibana", "logging-kibana-setup-job"]);
    assert.equal(specOf(find("logging-kibana-service")).type, "ClusterIP");
    assert.equal(specOf(find("logging-elasticsearch-service")).clusterIP, "None");
  });

  it("runs Fluentd on every node, with leave to look up pods and nothing else, and its state on the node", () => {
    const spec = podSpec(find("logging-fluentd-daemonset"));
    assert.deepEqual(spec.tolerations, [{ operator: "Exists", effect: "NoSchedule" }]);
    assert.deepEqual(find("logging-fluentd-role").inputs.rules, [
      { apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] },
    ]);
    const { roleRef, subjects } = find("logging-fluentd-role-binding").inputs;
    assert.deepEqual(roleRef, {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "koa-blog-fluentd",
    });
    assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: "fluentd", namespace: "logging" }]);
    const mounts = mainContainer(find("logging-fluentd-daemonset")).volumeMounts;
    const writable = mounts.flatMap(({ name, readOnly }) => ((readOnly as boolean | undefined) ? [] : [name]));
    assert.deepEqual(writable, ["state", "tmp"]);
    const hostPaths = spec.volumes.flatMap(({ hostPath }) =>
      (hostPath as typeof hostPath | undefined) ? [hostPath.path] : [],
    );
    assert.deepEqual(hostPaths, ["/var/log/pods", "/var/lib/koa-blog/fluentd"]);
  });

  it("takes its settings to the objects that they name", async () => {
    const program = await runProgram(
      {
        loggingNamespace: "observability",
        elasticsearchImage: "registry.example.com/elasticsearch:8.19.1@sha256:" + "1".repeat(64),
        elasticsearchHeap: "1g",
        elasticsearchStorage: "9Gi",
        kibanaImage: "registry.example.com/kibana:8.19.1",
        kibanaNodePort: "30601",
        fluentdImage: "registry.example.com/fluentd:1",
        fluentdBuffer: "64m",
        logRetentionDays: "30",
        logRolloverSize: "9gb",
      },
      {
        elasticPassword: "elastic's password",
        kibanaPassword: "kibanas-password",
        fluentdPassword: "fluentds-password",
      },
    );
    const other = finder(program.resources);
    const namespaced = program.resources.filter(
      ({ type, name }) =>
        type.startsWith("kubernetes:") && name.startsWith("logging") && !type.includes(":ClusterRole"),
    );
    for (const { name, type, inputs } of namespaced) {
      const { namespace, name: ownName } = inputs.metadata as Inputs;
      assert.equal(type.endsWith(":Namespace") ? ownName : namespace, "observability", name);
    }
    const elasticsearch = other("logging-elasticsearch-statefulset");
    assert.equal(mainContainer(elasticsearch).image, "registry.example.com/elasticsearch:8.19.1");
    assert.equal(mainContainer(elasticsearch).resources.limits.memory, "2048Mi");
    assert.deepEqual(specOf(other("logging-elasticsearch-data")).resources, {
      requests: { storage: "9Gi" },
    });
    assert.equal(mainContainer(other("logging-kibana-deployment")).image, "registry.example.com/kibana:8.19.1");
    assert.equal(mainContainer(other("logging-fluentd-daemonset")).image, "registry.example.com/fluentd:1");
    const data = (name: string) => Object.values(other(name).inputs.data as Record<string, string>).join("\n");
    assert.match(data("logging-fluentd-configuration"), /total_limit_size 64m/);
    assert.match(data("logging-fluentd-configuration"), /\/var\/log\/pods\/observability_/);
    assert.match(data("logging-elasticsearch-setup"), /"min_age": "30d"/);
    assert.match(data("logging-elasticsearch-setup"), /"max_primary_shard_size": "9gb"/);
    const { type, ports } = specOf(other("logging-kibana-service"));
    assert.equal(type, "NodePort");
    assert.deepEqual(ports, [{ name: "http", port: 5601, targetPort: "http", nodePort: 30601 }]);
    const [rule] = (other("logging-kibana-clients").inputs.spec as { ingress: Inputs[] }).ingress;
    assert.deepEqual(Object.keys(rule ?? {}), ["ports"]);
    assert.match(
      String(other("kind-cluster").inputs.stdin),
      /containerPort: 30601\s+hostPort: 30601\s+listenAddress: 127\.0\.0\.1/,
    );
    assertSecrets(other, {
      "logging-elastic-user": { ELASTIC_PASSWORD: "elastic's password" },
      "logging-kibana-user": { KIBANA_PASSWORD: "kibanas-password" },
      "logging-fluentd-user": { FLUENTD_PASSWORD: "fluentds-password" },
    });
    const credentials = program.outputs.credentials?.value as Record<string, string>;
    assert.equal(credentials.elasticPassword, "elastic's password");
    assert.equal(credentials.mysqlUser, "koa_blog");
  });

  it("refuses settings that exclude each other before any resource is registered", async () => {
    await assert.rejects(
      runProgram({ loggingNamespace: "koa-blog", kibanaNodePort: "30423" }),
      /loggingNamespace: expected another namespace than the blog's, got "koa-blog".*\n.*kibanaNodePort: expected another port than nodePort and hostPort, got "30423"/,
    );
  });
});
