import assert from "node:assert/strict";

import { assertAfter, awaited, finder, mainContainer } from "./manifest.ts";
import { type Registered, runExisting, runProgram } from "./program.ts";

const isKubernetes = ({ type }: Registered) => type.startsWith("kubernetes:");
const isInLogging = ({ name }: Registered) => name.startsWith("logging");

/** Types and names of the resources below each parent, without the children of the logging component. */
function tree(resources: Registered[]): Record<string, string[]> {
  const children: Record<string, string[]> = {};
  for (const { parent, type, name } of resources.filter(({ name: own }) => !own.startsWith("logging-"))) {
    const parentName = parent.split("::").at(-1) ?? "";
    (children[parentName || "the stack"] ??= []).push(`${type} ${name}`);
  }
  for (const names of Object.values(children)) names.sort();
  return children;
}

/** The blog in any cluster. */
const blogTree = {
  image: ["docker:index/image:Image image-build"],
  namespace: ["kubernetes:core/v1:Namespace namespace-object"],
  configuration: [
    "kubernetes:core/v1:ConfigMap configuration-database",
    "kubernetes:core/v1:ConfigMap configuration-settings",
    "kubernetes:core/v1:Secret configuration-database-user",
    "kubernetes:core/v1:Secret configuration-session",
    "random:index/randomPassword:RandomPassword configuration-mysql-password",
    "random:index/randomPassword:RandomPassword configuration-session-key",
  ],
  service: ["kubernetes:core/v1:Service service-object"],
  mysql: [
    "kubernetes:apps/v1:StatefulSet mysql-statefulset",
    "kubernetes:core/v1:ConfigMap mysql-init",
    "kubernetes:core/v1:Secret mysql-root",
    "kubernetes:core/v1:Service mysql-headless-service",
    "kubernetes:core/v1:Service mysql-service",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy mysql-network-policy",
    "random:index/randomPassword:RandomPassword mysql-root-password",
  ],
  migration: [
    "kubernetes:batch/v1:Job migration-job",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy migration-network-policy",
  ],
  blog: [
    "kubernetes:apps/v1:Deployment blog-deployment",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy blog-network-policy",
    "kubernetes:policy/v1:PodDisruptionBudget blog-disruption-budget",
  ],
};
const blogComponents = [
  "blog:blog:Blog blog",
  "blog:blog:BlogConfiguration configuration",
  "blog:blog:BlogNamespace namespace",
  "blog:blog:BlogService service",
  "blog:blog:MySql mysql",
  "blog:blog:SchemaMigration migration",
];

/** The resources that bring an image into the registry of the kind cluster. */
const copies = (...images: string[]) =>
  Object.fromEntries(images.map((image) => [`${image}-image`, [`command:local:Command ${image}-image-push`]]));

const kindTree = (...images: string[]) => ({
  "the stack": [...blogComponents, "blog:cluster:LocalCluster local", "blog:images:BlogImage image"],
  local: [
    ...images.map((image) => `kind-cluster:index:ClusterImage ${image}-image`),
    "kind-cluster:index:KindCluster local-kind",
    "pulumi:providers:kubernetes local-provider",
  ],
  "local-kind": [
    "command:local:Command local-kind-cluster",
    "command:local:Command local-kind-configuration",
    "command:local:Command local-kind-registry",
  ],
  ...copies(...images),
  ...blogTree,
});

/** The deployment order. Each resource of a stage waits for all resources of the stage before. */
const stages = [
  ["namespace-object"],
  ["configuration-database", "configuration-settings", "configuration-database-user", "configuration-session"],
  ["service-object"],
  ["mysql-init", "mysql-root", "mysql-headless-service", "mysql-service", "mysql-network-policy"],
  ["mysql-statefulset"],
  ["migration-network-policy"],
  ["migration-job"],
  ["blog-network-policy"],
  ["blog-deployment"],
];

function assertStages(resources: Registered[], order = stages): void {
  const find = finder(resources);
  order.slice(1).forEach((stage, index) => {
    for (const later of stage)
      for (const earlier of order[index] ?? []) assertAfter(resources, find(later), find(earlier));
  });
}

/** Fails unless all objects have the provider, and none has a default provider of the current context. */
function assertProvider(resources: Registered[], name: string): void {
  const { urn } = finder(resources)(name);
  for (const resource of resources.filter(isKubernetes)) {
    assert.ok(resource.provider.startsWith(`${urn}::`), `${resource.name} has the provider "${resource.provider}"`);
  }
}

describe("The resource graph of target kind", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await runProgram());
    find = finder(resources);
  });

  it("has exactly these resources besides the logs, each below its component", () => {
    const expected = kindTree("elasticsearch", "fluentd", "kibana", "mysql");
    expected["the stack"].push("blog:logging:Logging logging");
    assert.deepEqual(tree(resources), expected);
    const { urn } = find("logging");
    for (const resource of resources.filter(isInLogging)) {
      assert.ok(resource.name === "logging" || awaited(resources, resource).has(urn), resource.name);
    }
  });

  it("has neither logs nor their images without logging", async () => {
    const without = await runProgram({ logging: "false" });
    assert.deepEqual(without.resources.filter(isInLogging), []);
    assert.deepEqual(tree(without.resources), kindTree("mysql"));
  });

  it("deploys in order", () => {
    assertStages(resources);
    assertStages(resources, [
      ["local-kind-registry"],
      ["local-kind-cluster"],
      ["local-kind-configuration"],
      ["local-provider"],
      ["namespace-object", "logging-namespace"],
    ]);
  });

  const images = {
    "mysql-image": ["mysql-statefulset"],
    "elasticsearch-image": [
      "logging-elasticsearch-statefulset",
      "logging-elasticsearch-setup-job",
      "logging-disk-cleanup-cron-job",
      "logging-kibana-setup-job",
    ],
    "kibana-image": ["logging-kibana-deployment"],
    "fluentd-image": ["logging-fluentd-daemonset"],
  };
  for (const [image, workloads] of Object.entries(images)) {
    it(`pushes ${image} to the registry before a pod names it`, () => {
      const push = find(`${image}-push`);
      assertAfter(resources, push, find("local-kind-registry"));
      const { COPY } = push.inputs.environment as { COPY: string };
      assert.match(COPY, /^localhost:5001\//);
      for (const workload of workloads) {
        assert.equal(mainContainer(find(workload)).image, COPY);
        assert.ok(find(workload).dependencies.includes(push.urn), workload);
      }
    });
  }

  it("pushes the blog's image to the registry before a pod names it", () => {
    const build = find("image-build");
    assertAfter(resources, build, find("local-kind-registry"));
    for (const workload of ["migration-job", "blog-deployment"]) {
      assert.equal(mainContainer(find(workload)).image, build.inputs.imageName);
      assert.ok(find(workload).dependencies.includes(build.urn), workload);
    }
  });

  it("waits for nothing that a resource does not need", () => {
    const waits = (later: string, earlier: string) => awaited(resources, find(later)).has(find(earlier).urn);
    for (const push of ["image-build", ...Object.keys(images).map((image) => `${image}-push`)]) {
      assert.ok(!waits(push, "local-kind-cluster"), `${push} waits for the cluster`);
    }
    assert.ok(!waits("mysql-statefulset", "image-build"));
    const objects = resources.filter(isKubernetes);
    for (const logs of objects.filter(isInLogging)) {
      for (const blog of objects.filter((object) => !isInLogging(object))) {
        assert.ok(!waits(blog.name, logs.name), `${blog.name} waits for ${logs.name}`);
        assert.ok(!waits(logs.name, blog.name), `${logs.name} waits for ${blog.name}`);
      }
    }
  });

  it("deploys all objects to its own cluster, and deletes none of them one by one with the cluster", () => {
    assertProvider(resources, "local-provider");
    for (const object of resources.filter(isKubernetes)) {
      assert.equal(object.deletedWith, find("local-provider").urn, object.name);
      // After a kill, only this tells Pulumi that the object is missing in the new cluster.
      assert.equal(object.replacementTrigger, find("local-provider").inputs.clusterIdentifier, object.name);
    }
  });

  it("labels every object", () => {
    for (const { name, inputs } of resources.filter(isKubernetes)) {
      const { labels } = inputs.metadata as { labels: Record<string, string> };
      const { "app.kubernetes.io/part-of": partOf, "app.kubernetes.io/managed-by": managedBy } = labels;
      assert.deepEqual([partOf, managedBy], ["koa-blog", "pulumi"], name);
      assert.ok(labels["app.kubernetes.io/name"], name);
    }
  });
});

describe("The resource graph of target existing", () => {
  const existingTree = {
    ...blogTree,
    "the stack": [...blogComponents, "blog:cluster:ExistingCluster existing", "blog:images:BlogImage image"],
    existing: [
      "pulumi:providers:kubernetes existing-provider",
      "pulumi:providers:kubernetes existing-reader",
      "read kubernetes:core/v1:Namespace existing-system",
    ],
    configuration: [...blogTree.configuration, "kubernetes:core/v1:Secret configuration-registry"].sort(),
  };

  it("has exactly these resources, and creates nothing on this machine but the blog's image", async () => {
    const { resources } = await runExisting();
    assert.deepEqual(tree(resources), existingTree);
    assertStages(resources);
    assertAfter(resources, finder(resources)("existing-provider"), finder(resources)("existing-system"));
  });

  it("deploys all objects to that cluster, logs too, and deletes them one by one", async () => {
    const { resources } = await runExisting({ logging: "true", expose: "Ingress", ingressHost: "blog.example.com" });
    assertProvider(resources, "existing-provider");
    assert.deepEqual(
      resources.filter(({ deletedWith }) => deletedWith !== ""),
      [],
    );
  });

  it("has no MySQL of its own if mysqlHost is set", async () => {
    const { mysql, ...others } = existingTree;
    const { resources } = await runExisting({ mysqlHost: "mysql.example.com" }, { mysqlPassword: "a password" });
    assert.deepEqual(tree(resources), {
      ...others,
      "the stack": others["the stack"].filter((component) => component !== "blog:blog:MySql mysql"),
      configuration: others.configuration.filter((child) => !child.endsWith("configuration-mysql-password")),
    });
    const unneeded = ["service-object", ...mysql.map((child) => child.split(" ")[1])];
    assertStages(
      resources,
      stages.filter(([name]) => !unneeded.includes(name)),
    );
    assertAfter(resources, finder(resources)("blog-deployment"), finder(resources)("service-object"));
  });

  it("has an Ingress and an autoscaler on demand", async () => {
    const { resources } = await runExisting({
      ...{ expose: "Ingress", ingressHost: "blog.example.com", maxReplicas: "3" },
    });
    assert.deepEqual(tree(resources), {
      ...existingTree,
      service: ["kubernetes:core/v1:Service service-object", "kubernetes:networking.k8s.io/v1:Ingress service-ingress"],
      blog: [...blogTree.blog, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler blog-autoscaler"].sort(),
    });
    assertStages(resources, [["service-object"], ["service-ingress"], ["mysql-statefulset"]]);
    assertStages(resources, [["blog-deployment"], ["blog-autoscaler"]]);
  });
});
