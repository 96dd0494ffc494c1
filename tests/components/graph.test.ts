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
    assert.deepEqual(resources.map(({ type, name }) => `${type} ${name}`).sort(), [
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
      "kubernetes:core/v1:Service mysql-service",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy mysql-clients",
      "kubernetes:policy/v1:PodDisruptionBudget blog-disruption-budget",
      "pulumi:providers:kubernetes kind-provider",
      "random:index/randomPassword:RandomPassword blog-mysql-password",
      "random:index/randomPassword:RandomPassword blog-mysql-root-password",
      "random:index/randomPassword:RandomPassword blog-session-key",
    ]);
  });

  it("comes up in the deployment order", () => {
    const stages = [
      [find(":Namespace", "blog-namespace")],
      resources.filter(({ type }) => /v1:(ConfigMap|Secret)$/.test(type)),
      resources.filter(({ type }) => type === "kubernetes:core/v1:Service"),
      [find(":StatefulSet", "mysql-statefulset")],
      [find(":Job", "blog-job")],
      [find(":Deployment", "blog-deployment")],
    ];
    assert.deepEqual(
      stages.map((stage) => stage.length),
      [1, 6, 2, 1, 1, 1],
    );
    stages.slice(1).forEach((stage, index) => {
      for (const later of stage) for (const earlier of stages[index] ?? []) assertAfter(later, earlier);
    });
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
    for (const { type, name, parent } of resources) {
      assert.equal(components.has(parent), !type.startsWith("blog:"), `${type} ${name} has the parent "${parent}"`);
    }
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
    for (const load of ["images-blog", "images-mysql"]) {
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
