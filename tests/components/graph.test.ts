import assert from "node:assert/strict";

import { runProgram, type Registered } from "./program.ts";

describe("The program's resource graph", () => {
  let resources: Registered[];

  before(async () => {
    ({ resources } = await runProgram());
  });

  const find = (type: string, name: string): Registered => {
    const resource = resources.find((candidate) => candidate.type.endsWith(type) && candidate.name === name);
    assert.ok(resource, `${type} ${name} is not registered`);
    return resource;
  };

  /** All that a resource waits for, directly or not; a resource waits for what its provider waits for. */
  const awaited = (resource: Registered, seen = new Set<string>()): Set<string> => {
    const provider = resource.provider.split("::").slice(0, -1).join("::");
    for (const urn of [...resource.dependencies, provider].filter((candidate) => candidate && !seen.has(candidate))) {
      seen.add(urn);
      const next = resources.find((candidate) => candidate.urn === urn);
      if (next) awaited(next, seen);
    }
    return seen;
  };

  const assertAfter = (later: Registered, earlier: Registered) => {
    assert.ok(awaited(later).has(earlier.urn), `${later.name} does not wait for ${earlier.name}`);
  };

  it("has exactly these resources", () => {
    const ofBlog = resources.filter(({ name }) => !name.startsWith("logging"));
    assert.deepEqual(ofBlog.map(({ type, name }) => `${type} ${name}`).sort(), [
      "blog:cluster:ClusterImages images",
      "blog:cluster:KindCluster kind",
      "blog:image:BlogImage blog",
      "blog:kubernetes:Blog blog",
      "blog:kubernetes:BlogConfiguration blog",
      "blog:kubernetes:BlogNamespace blog",
      "blog:kubernetes:BlogService blog",
      "blog:kubernetes:MySql mysql",
      "blog:kubernetes:SchemaMigration blog",
      "command:local:Command images-blog",
      "command:local:Command images-mysql",
      "command:local:Command kind-cluster",
      "docker:index/image:Image blog-image",
      "kubernetes:apps/v1:Deployment blog-deployment",
      "kubernetes:apps/v1:StatefulSet mysql-statefulset",
      "kubernetes:batch/v1:Job blog-job",
      "kubernetes:core/v1:ConfigMap blog-database",
      "kubernetes:core/v1:ConfigMap blog-mysql-init",
      "kubernetes:core/v1:ConfigMap blog-settings",
      "kubernetes:core/v1:Namespace blog-namespace",
      "kubernetes:core/v1:Secret blog-database-root",
      "kubernetes:core/v1:Secret blog-database-user",
      "kubernetes:core/v1:Secret blog-session",
      "kubernetes:core/v1:Service blog-service",
      "kubernetes:core/v1:Service mysql-primary",
      "kubernetes:core/v1:Service mysql-service",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-job-clients",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-readers",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy mysql-clients",
      "kubernetes:policy/v1:PodDisruptionBudget blog-disruption-budget",
      "pulumi:providers:kubernetes kind-provider",
      "random:index/randomPassword:RandomPassword blog-mysql-password",
      "random:index/randomPassword:RandomPassword blog-mysql-root-password",
      "random:index/randomPassword:RandomPassword blog-session-key",
    ]);
  });

  it("has exactly these beside them, unless logging is left out", async () => {
    const logging = resources.filter(({ name }) => name.startsWith("logging"));
    assert.deepEqual(logging.map(({ type, name }) => `${type} ${name}`).sort(), [
      "blog:cluster:ClusterImages logging-images",
      "blog:logging:Elasticsearch logging-elasticsearch",
      "blog:logging:Fluentd logging-fluentd",
      "blog:logging:Kibana logging-kibana",
      "blog:logging:Logging logging",
      "blog:logging:LoggingConfiguration logging",
      "blog:logging:LoggingSetup logging-elasticsearch-setup",
      "blog:logging:LoggingSetup logging-kibana-setup",
      "command:local:Command logging-images-elasticsearch",
      "command:local:Command logging-images-fluentd",
      "command:local:Command logging-images-kibana",
      "command:local:Command logging-images-node",
      "kubernetes:apps/v1:DaemonSet logging-fluentd-daemonset",
      "kubernetes:apps/v1:Deployment logging-kibana-deployment",
      "kubernetes:apps/v1:StatefulSet logging-elasticsearch-statefulset",
      "kubernetes:batch/v1:Job logging-elasticsearch-setup-job",
      "kubernetes:batch/v1:Job logging-kibana-setup-job",
      "kubernetes:core/v1:ConfigMap logging-elasticsearch-setup",
      "kubernetes:core/v1:ConfigMap logging-fluentd-configuration",
      "kubernetes:core/v1:ConfigMap logging-kibana-setup",
      "kubernetes:core/v1:Namespace logging-namespace",
      "kubernetes:core/v1:Secret logging-elastic-user",
      "kubernetes:core/v1:Secret logging-fluentd-user",
      "kubernetes:core/v1:Secret logging-kibana-encryption",
      "kubernetes:core/v1:Secret logging-kibana-user",
      "kubernetes:core/v1:Service logging-elasticsearch-service",
      "kubernetes:core/v1:Service logging-kibana-service",
      "kubernetes:core/v1:ServiceAccount logging-fluentd-service-account",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-deny-ingress",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-elasticsearch-clients",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy logging-kibana-clients",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole logging-fluentd-role",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding logging-fluentd-role-binding",
      "random:index/randomPassword:RandomPassword logging-elastic-password",
      "random:index/randomPassword:RandomPassword logging-fluentd-password",
      "random:index/randomPassword:RandomPassword logging-kibana-encryption-key",
      "random:index/randomPassword:RandomPassword logging-kibana-password",
    ]);
    const without = await runProgram({ logging: "false" });
    assert.equal(without.resources.length, resources.length - logging.length);
    assert.ok(!without.resources.some(({ name }) => name.startsWith("logging")));
  });

  it("brings logging up in its own order", () => {
    const ofLogging = (pattern: RegExp) =>
      resources.filter(({ type, name }) => name.startsWith("logging") && pattern.test(type));
    const stages = [
      ofLogging(/:Namespace$/),
      ofLogging(/v1:(ConfigMap|Secret)$/),
      ofLogging(/v1:Service$/),
      [find(":StatefulSet", "logging-elasticsearch-statefulset")],
      [find(":Job", "logging-elasticsearch-setup-job")],
      [find(":Deployment", "logging-kibana-deployment"), find(":DaemonSet", "logging-fluentd-daemonset")],
    ];
    assertStages(stages, [1, 7, 2, 1, 1, 2]);
    const dataView = find(":Job", "logging-kibana-setup-job");
    assertAfter(dataView, find(":Deployment", "logging-kibana-deployment"));
    assert.ok(dataView.dependencies.includes(find(":Deployment", "logging-kibana-deployment").urn));
  });

  it("lets the blog and logging wait for nothing of each other", () => {
    const isLogging = ({ name }: Registered) => name.startsWith("logging");
    for (const resource of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const others = resources.filter((other) => isLogging(other) !== isLogging(resource));
      // The cluster is neither's.
      const foreign = others.filter(({ name }) => !name.startsWith("kind"));
      for (const other of foreign)
        assert.ok(!awaited(resource).has(other.urn), `${resource.name} waits for ${other.name}`);
    }
  });

  it("loads each image of logging before what runs it, Fluentd's into every node", () => {
    const runners = {
      "logging-images-elasticsearch": find(":StatefulSet", "logging-elasticsearch-statefulset"),
      "logging-images-node": find(":Job", "logging-elasticsearch-setup-job"),
      "logging-images-kibana": find(":Deployment", "logging-kibana-deployment"),
      "logging-images-fluentd": find(":DaemonSet", "logging-fluentd-daemonset"),
    };
    for (const [load, runner] of Object.entries(runners)) assertAfter(runner, find(":Command", load));
    const nodesOf = (load: string) => (find(":Command", load).inputs.environment as Record<string, string>).NODES;
    assert.equal(nodesOf("logging-images-fluentd"), "koa-blog-control-plane,koa-blog-worker,koa-blog-worker2");
    for (const load of ["logging-images-elasticsearch", "logging-images-kibana", "logging-images-node"]) {
      assert.equal(nodesOf(load), "koa-blog-worker2");
    }
  });

  const assertStages = (stages: Registered[][], sizes: number[]) => {
    assert.deepEqual(
      stages.map((stage) => stage.length),
      sizes,
    );
    stages.slice(1).forEach((stage, index) => {
      for (const later of stage) for (const earlier of stages[index] ?? []) assertAfter(later, earlier);
    });
  };

  it("comes up in the deployment order", () => {
    const ofBlog = resources.filter(({ name }) => !name.startsWith("logging"));
    const stages = [
      [find(":Namespace", "blog-namespace")],
      ofBlog.filter(({ type }) => /v1:(ConfigMap|Secret)$/.test(type)),
      ofBlog.filter(({ type }) => type === "kubernetes:core/v1:Service"),
      [find(":StatefulSet", "mysql-statefulset")],
      [find(":Job", "blog-job")],
      [find(":Deployment", "blog-deployment")],
    ];
    assertStages(stages, [1, 6, 3, 1, 1, 1]);
  });

  it("says the order in dependsOn, not only through inputs", () => {
    const job = find(":Job", "blog-job");
    assert.ok(job.dependencies.includes(find(":StatefulSet", "mysql-statefulset").urn));
    const deployment = find(":Deployment", "blog-deployment");
    assert.ok(deployment.dependencies.includes(job.urn));
    assert.ok(deployment.dependencies.includes(find(":Service", "blog-service").urn));
  });

  it("builds the image beside the cluster", () => {
    const image = find(":Image", "blog-image");
    const cluster = find(":Command", "kind-cluster");
    assert.deepEqual([...awaited(image)], []);
    assert.deepEqual([...awaited(cluster)], []);
  });

  it("loads each image once the cluster is there, and before what runs it", () => {
    for (const load of ["images-blog", "images-mysql"]) {
      assertAfter(find(":Command", load), find(":Command", "kind-cluster"));
    }
    assertAfter(find(":Command", "images-blog"), find(":Image", "blog-image"));
    assertAfter(find(":StatefulSet", "mysql-statefulset"), find(":Command", "images-mysql"));
    assertAfter(find(":Job", "blog-job"), find(":Command", "images-blog"));
    assertAfter(find(":Deployment", "blog-deployment"), find(":Command", "images-blog"));
  });

  it("lets nothing of the database wait for the blog's image", () => {
    assert.ok(!awaited(find(":StatefulSet", "mysql-statefulset")).has(find(":Image", "blog-image").urn));
  });

  it("gives every resource that is not a component a component for its parent", () => {
    const components = new Set(resources.filter(({ type }) => type.startsWith("blog:")).map(({ urn }) => urn));
    for (const { type, name, parent } of resources.filter((resource) => !resource.type.startsWith("blog:"))) {
      assert.ok(components.has(parent), `${type} ${name} has the parent "${parent}"`);
    }
    const nested = resources.filter(({ type, parent }) => type.startsWith("blog:") && components.has(parent));
    const logging = find(":Logging", "logging");
    assert.equal(nested.length, 7);
    for (const { name, parent } of nested) assert.equal(parent, logging.urn, name);
  });

  it("deploys to its own cluster, and forgets what was in a cluster that is gone", () => {
    const provider = find("providers:kubernetes", "kind-provider");
    for (const resource of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      assert.ok(resource.provider.startsWith(`${provider.urn}::`), `${resource.name} has another provider`);
      assert.equal(resource.replacementTrigger, provider.inputs.clusterIdentifier, resource.name);
      assert.equal(resource.deletedWith, provider.urn, `${resource.name} is not deleted with the provider`);
    }
  });

  it("tells a cluster from another in the same way everywhere", () => {
    const { clusterIdentifier } = find("providers:kubernetes", "kind-provider").inputs;
    assert.match(String(clusterIdentifier), /^generation-1-[0-9a-f]{8}$/);
    assert.deepEqual(find(":Command", "kind-cluster").inputs.triggers, [clusterIdentifier]);
    for (const load of ["images-blog", "images-mysql", "logging-images-elasticsearch", "logging-images-fluentd"]) {
      assert.equal((find(":Command", load).inputs.triggers as unknown[])[0], clusterIdentifier);
    }
  });

  it("labels every Kubernetes object", () => {
    for (const { name, inputs } of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const { labels } = inputs.metadata as { labels?: Record<string, string> };
      assert.deepEqual(
        Object.keys(labels ?? {}).filter((label) => label.startsWith("app.kubernetes.io/")),
        ["app.kubernetes.io/managed-by", "app.kubernetes.io/name", "app.kubernetes.io/part-of"],
        name,
      );
    }
  });
});
