import assert from "node:assert/strict";

import { assertOrder, awaited, blogResources, listed, mainContainer } from "./manifest.ts";
import { type Registered, runProgram } from "./program.ts";

/** The resources that pull an image and push it to the registry. */
const mirrored = (image: string) => [
  `blog:image:MirroredImage ${image}`,
  `command:local:Command ${image}-pushed`,
  `docker:index/remoteImage:RemoteImage ${image}-pulled`,
];

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

  const waitsFor = (later: Registered, earlier: Registered) => awaited(resources, later).has(earlier.urn);
  const assertAfter = (later: Registered, earlier: Registered) => {
    assertOrder(resources, earlier, later);
  };

  const isImage = ({ type, name }: Registered) => /:(Image|RemoteImage)$/.test(type) || name.endsWith("-pushed");
  const isLogging = ({ name }: Registered) => /^(logging|elasticsearch|kibana|fluentd|node)(-|$)/.test(name);

  it("has exactly these resources", () => {
    const ofKind = [
      "blog:cluster:KindCluster kind",
      "blog:cluster:LocalRegistry registry",
      "command:local:Command kind-cluster",
      "command:local:Command kind-mirror",
      "command:local:Command registry-network",
      "docker:index/container:Container registry-container",
      "docker:index/remoteImage:RemoteImage registry-image",
      "pulumi:providers:docker registry-provider",
      "pulumi:providers:kubernetes kind-provider",
    ];
    assert.deepEqual(
      listed(resources.filter((resource) => !isLogging(resource))),
      [...blogResources, ...ofKind, ...mirrored("mysql")].sort(),
    );
  });

  it("has exactly these beside them, unless logging is left out", async () => {
    const logging = resources.filter(isLogging);
    const own = [
      "blog:logging:Elasticsearch logging-elasticsearch",
      "blog:logging:Fluentd logging-fluentd",
      "blog:logging:Kibana logging-kibana",
      "blog:logging:Logging logging",
      "blog:logging:LoggingConfiguration logging",
      "blog:logging:LoggingSetup logging-elasticsearch-setup",
      "blog:logging:LoggingSetup logging-kibana-setup",
      "kubernetes:apps/v1:DaemonSet logging-fluentd-daemonset",
      "kubernetes:apps/v1:Deployment logging-kibana-deployment",
      "kubernetes:apps/v1:StatefulSet logging-elasticsearch-statefulset",
      "kubernetes:batch/v1:Job logging-elasticsearch-setup-job",
      "kubernetes:batch/v1:Job logging-kibana-setup-job",
      "kubernetes:core/v1:ConfigMap logging-elasticsearch-setup",
      "kubernetes:core/v1:ConfigMap logging-fluentd-configuration",
      "kubernetes:core/v1:ConfigMap logging-kibana-setup",
      "kubernetes:core/v1:Namespace logging-namespace",
      "kubernetes:core/v1:PersistentVolumeClaim logging-elasticsearch-data",
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
    ];
    const images = ["elasticsearch", "fluentd", "kibana", "node"].flatMap(mirrored);
    assert.deepEqual(listed(logging), [...own, ...images].sort());
    const without = await runProgram({ logging: "false" });
    assert.equal(without.resources.length, resources.length - logging.length);
    assert.ok(!without.resources.some(isLogging));
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
    for (const resource of resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const others = resources.filter((other) => isLogging(other) !== isLogging(resource));
      // The cluster and the registry belong to neither of them.
      const foreign = others.filter(({ name }) => !/^(kind|registry)/.test(name));
      for (const other of foreign) assert.ok(!waitsFor(resource, other), `${resource.name} waits for ${other.name}`);
    }
  });

  it("pushes each published image to the registry before what runs it", () => {
    const runners = {
      mysql: find(":StatefulSet", "mysql-statefulset"),
      elasticsearch: find(":StatefulSet", "logging-elasticsearch-statefulset"),
      node: find(":Job", "logging-elasticsearch-setup-job"),
      kibana: find(":Deployment", "logging-kibana-deployment"),
      fluentd: find(":DaemonSet", "logging-fluentd-daemonset"),
    };
    for (const [image, runner] of Object.entries(runners)) {
      const pushed = find(":Command", `${image}-pushed`);
      assertOrder(resources, find(":RemoteImage", `${image}-pulled`), pushed, runner);
      assertAfter(pushed, find(":Container", "registry-container"));
    }
  });

  it("pulls and pushes while the cluster is being created", () => {
    const cluster = find(":Command", "kind-cluster");
    const images = resources.filter(isImage);
    assert.equal(images.length, 2 + 1 + 2 * 5);
    for (const image of images) assert.ok(!waitsFor(image, cluster), image.name);
    assert.deepEqual([...awaited(resources, cluster)], [find(":Command", "registry-network").urn]);
  });

  it("tells the nodes where the registry is before anything is deployed", () => {
    const mirror = find(":Command", "kind-mirror");
    assertOrder(resources, find(":Command", "kind-cluster"), mirror, find(":Namespace", "blog-namespace"));
    const { networksAdvanced } = find(":Container", "registry-container").inputs as { networksAdvanced: unknown };
    assert.deepEqual(networksAdvanced, [{ name: "kind", aliases: ["koa-blog-registry.svc"] }]);
    const { REGISTRY } = mirror.inputs.environment as Record<string, string>;
    assert.equal(REGISTRY, "koa-blog-registry.svc:5000");
    assertAfter(find(":Container", "registry-container"), find(":Command", "registry-network"));
  });

  it("keeps the registry to this machine, and takes it down with all that is in it", () => {
    const { inputs, deleteBeforeReplace } = find(":Container", "registry-container");
    assert.deepEqual(inputs.ports, [{ internal: 5000, external: 5001, ip: "127.0.0.1" }]);
    assert.equal(inputs.name, "koa-blog-registry");
    assert.equal(inputs.restart, "unless-stopped");
    assert.equal(inputs.volumes, undefined);
    assert.equal(inputs.removeVolumes, undefined, "the provider's default removes the anonymous volume");
    assert.equal(deleteBeforeReplace, true);
  });

  it("pushes everything again to another registry", () => {
    const { triggers } = find(":Command", "registry-network").inputs as { triggers: unknown[] };
    const [identity] = triggers;
    assert.match(String(identity), /^generation-1-[0-9a-f]{8}$/);
    const images = resources.filter(isImage);
    for (const { name, replacementTrigger } of images.filter((image) => image.name !== "registry-image")) {
      assert.equal(replacementTrigger, identity, name);
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
    const ofBlog = resources.filter((resource) => !isLogging(resource));
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

  it("builds and pushes each image of the blog before what runs it", () => {
    for (const [name, user] of [
      ["migration-image", find(":Job", "blog-job")],
      ["blog-image", find(":Deployment", "blog-deployment")],
    ] as const) {
      const image = find(":Image", name);
      assertAfter(image, find(":Container", "registry-container"));
      assertAfter(user, image);
      assert.equal(mainContainer(user).image, image.inputs.imageName);
    }
  });

  it("lets nothing of the database wait for the blog's image", () => {
    assert.ok(!waitsFor(find(":StatefulSet", "mysql-statefulset"), find(":Image", "blog-image")));
  });

  it("gives every resource that is not a component a component for its parent", () => {
    const components = new Set(resources.filter(({ type }) => type.startsWith("blog:")).map(({ urn }) => urn));
    for (const { type, name, parent } of resources.filter((resource) => !resource.type.startsWith("blog:"))) {
      assert.ok(components.has(parent), `${type} ${name} has the parent "${parent}"`);
    }
    const nested = resources.filter(({ type, parent }) => type.startsWith("blog:") && components.has(parent));
    const logging = find(":Logging", "logging");
    assert.equal(nested.length, 6);
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
    assert.equal((find(":Command", "kind-mirror").inputs.triggers as unknown[])[0], clusterIdentifier);
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
