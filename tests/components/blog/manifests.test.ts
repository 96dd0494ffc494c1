import assert from "node:assert/strict";

import { parse } from "yaml";

import { revisionOf } from "../../../components/blog/blog.ts";
import { assertRights, assertSecrets, finder, mainContainer, podLabels, podSpec, specOf } from "../manifest.ts";
import { type Inputs, runProgram, secretValue, type Settled } from "../program.ts";

describe("The manifests", () => {
  let find: ReturnType<typeof finder>;
  let outputs: Record<string, Settled>;
  const users = { "mysql-statefulset": 999, "blog-job": 1000, "blog-deployment": 1000 };
  const workloads = Object.keys(users);

  before(async () => {
    const program = await runProgram();
    find = finder(program.resources);
    ({ outputs } = program);
  });

  for (const [name, user] of Object.entries(users)) {
    it(`give the pods of ${name} no more than they need, and the user of their image`, () => {
      assertRights(find(name), { user });
    });

    it(`show no secret in the variables of ${name}`, () => {
      for (const { name: variable, value } of mainContainer(find(name)).env) {
        assert.ok(!/PASSWORD$|KEYS$/.test(variable), `${variable} is in the environment`);
        if (/PASSWORD|KEYS/.test(variable)) assert.match(value, /^\/run\/secrets\//);
      }
    });
  }

  it("probe MySQL and the blog at start, for readiness and for liveness", () => {
    for (const name of ["mysql-statefulset", "blog-deployment"]) {
      const { startupProbe, readinessProbe, livenessProbe } = mainContainer(find(name));
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) assert.equal(typeof probe, "object", name);
    }
    const { startupProbe, readinessProbe, livenessProbe } = mainContainer(find("blog-deployment"));
    // A rollout waits until a pod reaches the database. A later outage of the database leaves all pods in the Service.
    assert.equal(startupProbe.httpGet.path, "/readyz");
    assert.equal(readinessProbe.httpGet.path, "/healthz");
    assert.equal(livenessProbe.httpGet.path, "/healthz");
  });

  it("replace the blog's pods one by one, never short of one, and let the endpoints drain", () => {
    const spec = specOf(find("blog-deployment"));
    assert.equal(spec.replicas, 2);
    assert.deepEqual(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } });
    assert.deepEqual(mainContainer(find("blog-deployment")).lifecycle, {
      preStop: { exec: { command: ["sleep", "5"] } },
    });
    assert.deepEqual(specOf(find("blog-disruption-budget")).maxUnavailable, 1);
  });

  it("spread the blog's pods over the workers, counting those of the same rollout only", () => {
    const [constraint] = podSpec(find("blog-deployment")).topologySpreadConstraints;
    const labels = podLabels(find("blog-deployment"));
    assert.equal(constraint?.topologyKey, "kubernetes.io/hostname");
    assert.equal(constraint.labelSelector.matchLabels["koa-blog/revision"], labels["koa-blog/revision"]);
  });

  it("move the blog's pods from a node that is missed at once", () => {
    const { tolerations } = podSpec(find("blog-deployment"));
    assert.deepEqual(
      tolerations.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
      [
        ["node.kubernetes.io/not-ready", 5],
        ["node.kubernetes.io/unreachable", 5],
      ],
    );
  });

  it("let the pods marked as MySQL's clients reach it, on its port, and no other", () => {
    assert.deepEqual(specOf(find("mysql-clients")), {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "mysql", "app.kubernetes.io/part-of": "koa-blog" } },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: { "koa-blog/mysql-client": "true" } } }],
          ports: [{ port: "mysql", protocol: "TCP" }],
        },
      ],
    });
    const marked = workloads.filter((name) => podLabels(find(name))["koa-blog/mysql-client"] === "true");
    assert.deepEqual(marked, ["blog-job", "blog-deployment"]);
  });

  it("let everybody read the blog, the pods marked for it its metrics, and nobody reach the migration", () => {
    assert.deepEqual(specOf(find("blog-readers")), {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "koa-blog", "app.kubernetes.io/part-of": "koa-blog" } },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [{ port: "http", protocol: "TCP" }] },
        {
          from: [{ namespaceSelector: {}, podSelector: { matchLabels: { "koa-blog/metrics-client": "true" } } }],
          ports: [{ port: "metrics", protocol: "TCP" }],
        },
      ],
    });
    const { podSelector, ingress } = specOf(find("blog-job-clients"));
    assert.deepEqual(podSelector, {
      matchLabels: { "app.kubernetes.io/name": "koa-blog-migration", "app.kubernetes.io/part-of": "koa-blog" },
    });
    assert.equal(ingress, undefined);
  });

  it("publish the blog on NodePort 30423 without waiting for its pods", () => {
    const { metadata, spec } = find("blog-service").inputs as { metadata: Inputs; spec: Inputs };
    assert.deepEqual(metadata.annotations, { "pulumi.com/skipAwait": "true" });
    assert.equal(spec.type, "NodePort");
    assert.deepEqual(spec.ports, [{ name: "http", port: 5000, targetPort: "http", nodePort: 30423 }]);
    const cluster = parse(find("kind-cluster").inputs.stdin as string) as { nodes: Inputs[] };
    assert.deepEqual(cluster.nodes[0]?.extraPortMappings, [
      { containerPort: 30423, hostPort: 30423, listenAddress: "0.0.0.0", protocol: "TCP" },
    ]);
  });

  it("make a headless service for MySQL, and one whose address outlives its pods for its clients", () => {
    const headless = find("mysql-service").inputs as { metadata: Inputs; spec: Inputs };
    const primary = find("mysql-primary").inputs as { metadata: Inputs; spec: Inputs };
    assert.equal(headless.spec.clusterIP, "None");
    assert.equal(specOf(find("mysql-statefulset")).serviceName, headless.metadata.name);
    assert.equal(primary.spec.clusterIP, undefined);
    assert.deepEqual(primary.metadata.annotations, { "pulumi.com/skipAwait": "true" });
    assert.deepEqual(primary.spec, {
      selector: headless.spec.selector,
      ports: [{ name: "mysql", port: 3306, targetPort: "mysql" }],
    });
    const { MYSQL_HOST } = find("blog-database").inputs.data as Inputs;
    assert.equal(MYSQL_HOST, `${String(primary.metadata.name)}.koa-blog.svc.cluster.local`);
  });

  it("enforce the restricted Pod Security Standard", () => {
    const { labels } = find("blog-namespace").inputs.metadata as { labels: Inputs };
    assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted");
  });

  it("keep every credential in a Secret, and the Secrets secret", () => {
    assertSecrets(find, {
      "blog-database-user": { MYSQL_USER: "koa_blog", MYSQL_PASSWORD: "result of blog-mysql-password" },
      "blog-database-root": { MYSQL_ROOT_PASSWORD: "result of blog-mysql-root-password" },
      "blog-session": { SESSION_KEYS: "result of blog-session-key" },
    });
    for (const name of ["blog-database", "blog-mysql-init", "blog-settings"]) {
      assert.ok(!JSON.stringify(find(name).inputs).includes("result of"), name);
    }
    assert.equal(secretValue(find("kind-provider").inputs.kubeconfig), "stdout of kind-cluster");
    assert.deepEqual(find("kind-cluster").additionalSecretOutputs, ["stdout"]);
  });

  it("give ConfigMaps and Secrets no fixed name, so that a change of content is a change of name", () => {
    for (const name of ["blog-database", "blog-mysql-init", "blog-settings", "blog-database-user", "blog-session"]) {
      assert.equal((find(name).inputs.metadata as Inputs).name, undefined, name);
      assert.equal(find(name).inputs.immutable, true, name);
    }
  });

  it("mark kubeconfig and credentials as secret outputs, and the others not", () => {
    const secrets = Object.entries(outputs).map(([key, { isSecret }]) => [key, isSecret]);
    assert.deepEqual(Object.fromEntries(secrets), {
      clusterName: false,
      credentials: true,
      imageTag: false,
      kubeconfig: true,
      url: false,
    });
    assert.equal(outputs.url?.value, "http://localhost:30423");
  });
});

describe("The settings", () => {
  it("make another cluster when they describe another one", async () => {
    const triggers = [];
    for (const workers of ["2", "2", "3"]) {
      triggers.push(finder((await runProgram({ workers })).resources)("kind-cluster").inputs.triggers);
    }
    assert.deepEqual(triggers[0], triggers[1]);
    assert.notDeepEqual(triggers[1], triggers[2]);
  });

  it("reach the objects that they name", async () => {
    const { resources, outputs } = await runProgram(
      {
        clusterName: "other",
        workers: "3",
        registryPort: "5055",
        registryImage: "registry.example.com/registry:3.0.0",
        hostPort: "8080",
        nodePort: "31000",
        listenAddress: "127.0.0.1",
        namespace: "blog-two",
        replicas: "4",
        mysqlImage: "registry.example.com/mysql:9.7.2@sha256:" + "1".repeat(64),
        mysqlStorage: "5Gi",
        mysqlDatabase: "posts",
        mysqlUser: "writer",
        logLevel: "debug",
        registrationsPerHour: "5",
        mergeKubeconfig: "true",
        logging: "false",
      },
      { mysqlPassword: "a configured password", sessionKeys: "k".repeat(32) },
    );
    const find = finder(resources);
    const cluster = find("kind-cluster").inputs;
    assert.equal((cluster.environment as Inputs).CLUSTER, "other");
    assert.equal((cluster.environment as Inputs).MERGE_KUBECONFIG, "true");
    const { nodes } = parse(cluster.stdin as string) as { nodes: Inputs[] };
    assert.deepEqual(
      nodes.map(({ role }) => role),
      ["control-plane", "worker", "worker", "worker"],
    );
    assert.deepEqual(nodes[0]?.extraPortMappings, [
      { containerPort: 31000, hostPort: 8080, listenAddress: "127.0.0.1", protocol: "TCP" },
    ]);
    assert.equal(find("registry-container").inputs.name, "other-registry");
    assert.deepEqual(find("registry-container").inputs.ports, [{ internal: 5000, external: 5055, ip: "127.0.0.1" }]);
    assert.equal(find("mysql-pulled").inputs.name, `registry.example.com/mysql:9.7.2@sha256:${"1".repeat(64)}`);
    assert.equal((find("mysql-pushed").inputs.environment as Inputs).COPY, "localhost:5055/mysql:9.7.2");
    assert.match(find("kind-context").inputs.create as string, /kind export kubeconfig --name other/);
    for (const { name, inputs, type } of resources.filter((resource) => resource.type.startsWith("kubernetes:"))) {
      const metadata = inputs.metadata as Inputs;
      const namespace = type.endsWith(":Namespace") ? metadata.name : metadata.namespace;
      assert.equal(namespace, "blog-two", name);
    }
    assert.equal(specOf(find("blog-deployment")).replicas, 4);
    // The copy in the registry has another digest, because the original's digest is that of an index of platforms.
    assert.equal(mainContainer(find("mysql-statefulset")).image, "registry.example.com/mysql:9.7.2");
    const claim = find("mysql-data");
    assert.equal((claim.inputs.metadata as Inputs).name, "data-mysql-0");
    assert.deepEqual(specOf(claim).resources, { requests: { storage: "5Gi" } });
    // Another class must not replace the claim, which would delete the data.
    assert.deepEqual(claim.ignoreChanges, ["spec.storageClassName"]);
    assert.equal(claim.retainOnDelete, true);
    assert.deepEqual(find("blog-database").inputs.data, {
      MYSQL_HOST: "mysql-primary.blog-two.svc.cluster.local",
      MYSQL_PORT: "3306",
      MYSQL_DATABASE: "posts",
    });
    assertSecrets(find, {
      "blog-database-user": { MYSQL_USER: "writer", MYSQL_PASSWORD: "a configured password" },
    });
    assert.deepEqual(find("blog-settings").inputs.data, {
      LOG_LEVEL: "debug",
      COOKIE_SECURE: "false",
      REGISTRATIONS_PER_HOUR: "5",
      TRUSTED_PROXIES: "0",
    });
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("random:")).map(({ name }) => name),
      ["blog-mysql-root-password"],
    );
    assert.equal(outputs.url?.value, "http://127.0.0.1:8080");
  });

  it("are refused before any resource is registered", async () => {
    await assert.rejects(runProgram({ replicas: "0" }), /replicas: expected a whole number from 1 to 20, got "0"/);
  });

  it("make another revision of the blog when any of its inputs changes", () => {
    const revision = revisionOf(["tag", "database-1", "settings-1"]);
    assert.equal(revision, revisionOf(["tag", "database-1", "settings-1"]));
    assert.notEqual(revision, revisionOf(["tag", "database-2", "settings-1"]));
    assert.match(revision, /^[0-9a-f]{16}$/);
  });
});
