import assert from "node:assert/strict";

import { assertAfter, awaited, finder, isKubernetes, mainContainer } from "./manifest.ts";
import { defaultProgram, fullProgram, type Registered, runProgram } from "./program.ts";

/** The deployment order. Each resource of a stage waits for all resources of the stage before. */
const stages = [
  ["local-kind-registry"],
  ["local-kind-cluster"],
  ["local-kind-configuration"],
  ["local-provider"],
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

const stagesOfLogging = [
  ["local-provider"],
  ["logging-namespace"],
  ["logging-network-policy"],
  ["logging-elasticsearch-service", "logging-elasticsearch-network-policy"],
  ["logging-elasticsearch-statefulset"],
  ["logging-elasticsearch-setup-job"],
  ["logging-disk-cleanup-cron-job", "logging-fluentd-daemonset", "logging-kibana-service"],
];

function assertStages(resources: Registered[], order: string[][]): void {
  order.slice(1).forEach((stage, index) => {
    for (const later of stage) for (const earlier of order[index] ?? []) assertAfter(resources, later, earlier);
  });
}

describe("The resources of target kind", () => {
  let resources: Registered[];
  let find: ReturnType<typeof finder>;

  before(async () => {
    ({ resources } = await defaultProgram());
    find = finder(resources);
  });

  it("are created in order: cluster, configuration, Services, MySQL, migration, blog, and the logs in theirs", () => {
    assertStages(resources, stages);
    assertStages(resources, stagesOfLogging);
    assertStages(resources, [["logging-fluentd-role-binding"], ["logging-fluentd-daemonset"]]);
    const kibana = ["logging-kibana-service", "logging-kibana-network-policy"];
    assertStages(resources, [kibana, ["logging-kibana-deployment"], ["logging-kibana-setup-job"]]);
  });

  it("do not wait for what they do not need: images for the cluster, the blog for the logs", () => {
    for (const { name } of resources.filter((resource) => /-(build|push)$/.test(resource.name))) {
      assert.ok(!awaited(resources, name).has("local-kind-cluster"), name);
    }
    for (const name of ["mysql-statefulset", "blog-deployment"]) {
      assert.ok(![...awaited(resources, name)].some((earlier) => earlier.startsWith("logging")), name);
    }
    assert.ok(!awaited(resources, "mysql-statefulset").has("image-build"));
    assert.ok(!awaited(resources, "logging-fluentd-daemonset").has("logging-kibana-deployment"));
  });

  const images = {
    "image-build": ["migration-job", "blog-deployment"],
    "mysql-image-push": ["mysql-statefulset"],
    "elasticsearch-image-push": [
      "logging-elasticsearch-statefulset",
      "logging-elasticsearch-setup-job",
      "logging-disk-cleanup-cron-job",
      "logging-kibana-setup-job",
    ],
    "kibana-image-push": ["logging-kibana-deployment"],
    "fluentd-image-push": ["logging-fluentd-daemonset"],
  };
  it("push each image to the cluster's registry before a pod names it", () => {
    for (const [push, workloads] of Object.entries(images)) {
      assertAfter(resources, push, "local-kind-registry");
      const { imageName, environment } = find(push).inputs as { imageName?: string; environment?: { COPY: string } };
      for (const workload of workloads) {
        const { image } = mainContainer(find(workload));
        assert.equal(image, imageName ?? environment?.COPY);
        assert.match(image, /^localhost:5001\//);
        assertAfter(resources, workload, push);
      }
    }
  });

  it("use the cluster's provider, and are deleted and replaced with the cluster, not one by one", () => {
    const { urn, inputs } = find("local-provider");
    for (const object of resources.filter(isKubernetes)) {
      assert.ok(object.provider.startsWith(`${urn}::`), object.name);
      assert.equal(object.deletedWith, urn, object.name);
      // After a kill, only this tells Pulumi that the object is missing in the new cluster.
      assert.equal(object.replacementTrigger, inputs.clusterIdentifier, object.name);
    }
  });

  it("have no logs and none of their images if logging is false", async () => {
    const names = (await runProgram({ logging: "false" })).resources.map(({ name }) => name);
    const expected = resources.map(({ name }) => name).filter((name) => !/logging|elastic|kibana|fluentd/.test(name));
    assert.deepEqual(names.sort(), expected.sort());
  });
});

describe("The resources of target existing", () => {
  it("are created in the same order with the named context, and nothing on this machine but the image", async () => {
    const { resources } = await fullProgram();
    const others = resources.filter(({ type }) => !/^(blog|kubernetes|random):/.test(type)).map(({ name }) => name);
    assert.deepEqual(others.sort(), ["existing-provider", "existing-reader", "image-build"]);
    assertStages(resources, [["existing-provider"], ...stages.slice(4), ["blog-autoscaler"]]);
    assertStages(resources, [["service-object"], ["service-ingress"], ["mysql-statefulset"]]);
    const { urn } = finder(resources)("existing-provider");
    for (const { name, provider, deletedWith } of resources.filter(isKubernetes)) {
      assert.ok(provider.startsWith(`${urn}::`), name);
      // They are deleted one by one.
      assert.equal(deletedWith, "", name);
    }
  });
});
