import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { copyReference } from "../../../components/kind/clusterImage.ts";
import { ClusterImage, KindCluster, type KindClusterArgs } from "../../../components/kind/index.ts";
import { kindConfig } from "../../../components/kind/kindConfig.ts";
import { projectFolder } from "../../../scripts/lib/project.ts";
import { assertAfter, finder, listed } from "../manifest.ts";
import { type Inputs, runWithMocks, settle } from "../program.ts";

const text = (script: string) => readFileSync(join(projectFolder, "components/kind/scripts", script), "utf8");
const register = (args: KindClusterArgs = {}) => runWithMocks(() => new KindCluster("demo", args));
const OWNER = "koa-blog/dev";
const dependenciesOf = (output: unknown) =>
  (output as { allResources(): Promise<Set<{ urn: unknown }>> }).allResources();

describe("A KindCluster", () => {
  it("creates the registry, the cluster and its configuration in order, with names of the resource", async () => {
    const { resources, result } = await register();
    assert.deepEqual(listed(resources), [
      "command:local:Command demo-cluster",
      "command:local:Command demo-configuration",
      "command:local:Command demo-registry",
      "kind-cluster:index:KindCluster demo",
    ]);
    const find = finder(resources);
    assertAfter(resources, find("demo-cluster"), find("demo-registry"));
    assertAfter(resources, find("demo-configuration"), find("demo-cluster"));

    const registry = find("demo-registry").inputs;
    const { CREATE, DELETE, ...settings } = registry.environment as Inputs;
    const TOKEN = `${OWNER}/token of demo-registry`;
    assert.deepEqual(settings, { OWNER, TOKEN, REGISTRY: "demo-registry", IMAGE: "registry:3.1.0", PORT: "5001" });
    assert.deepEqual([CREATE, DELETE], [text("createRegistry.sh"), text("deleteRegistry.sh")]);
    // All else updates the registry. A replacement would delete the pods first, because their images depend on it.
    assert.deepEqual([registry.triggers, registry.update], [["demo-registry"], undefined]);

    const outputs = [result.name, result.kubeconfig, result.registry];
    assert.deepEqual(await Promise.all(outputs.map(settle)), [
      { value: "demo", isSecret: false },
      { value: "stdout of demo-cluster", isSecret: true },
      { value: { address: "localhost:5001", id: "stdout of demo-registry" }, isSecret: false },
    ]);
  });

  it("has another id for another token or configuration, known before the cluster is replaced", async () => {
    const idOf = async (args: KindClusterArgs) => (await settle((await register(args)).result.clusterId)).value;
    const ids = await Promise.all([{}, {}, { workers: 1 }, { name: "other" }].map(idOf));
    assert.equal(ids[0], ids[1]);
    assert.equal(new Set(ids).size, 3);
    // The command's id is unknown then, and Pulumi would delete the provider of the objects before them.
    const { resources, result } = await register();
    const urns = await Promise.all([...(await dependenciesOf(result.clusterId))].map(({ urn }) => settle(urn)));
    assert.ok(!urns.some(({ value }) => value === finder(resources)("demo-cluster").urn));
  });

  it("recreates the cluster if its token, name or configuration changed, and nothing else", async () => {
    const args = { name: "my.cluster", workers: 2, nodeImage: "kindest/node:v1" };
    const { resources } = await register({ ...args, registryPort: 5055, registryImage: "registry:2" });
    const find = finder(resources);
    const { inputs, deleteBeforeReplace, additionalSecretOutputs } = find("demo-cluster");
    const TOKEN = `${OWNER}/token of my.cluster`;
    assert.deepEqual(inputs.triggers, [TOKEN, "my.cluster", kindConfig(args)]);
    assert.equal(inputs.stdin, kindConfig(args));
    assert.equal(inputs.update, "kind get kubeconfig --name my.cluster");
    const { CREATE, DELETE, ...settings } = inputs.environment as Inputs;
    assert.deepEqual(settings, { OWNER, TOKEN, CLUSTER: "my.cluster" });
    assert.deepEqual([CREATE, DELETE], [text("createCluster.sh"), text("deleteCluster.sh")]);
    // Two clusters or registries cannot have the same name and ports.
    assert.deepEqual([deleteBeforeReplace, find("demo-registry").deleteBeforeReplace], [true, true]);
    assert.deepEqual(additionalSecretOutputs, ["stdout"]);

    const configuration = find("demo-configuration").inputs;
    assert.deepEqual(configuration.triggers, ["demo-cluster-id"]);
    assert.deepEqual(configuration.environment, {
      ...{ OWNER, CLUSTER: "my.cluster", REGISTRY: "my.cluster-registry", PORT: "5055" },
      CREATE: text("configureCluster.sh"),
    });
  });

  it("has no registry if registryPort is 0", async () => {
    const { resources, result } = await register({ registryPort: 0 });
    assert.ok(!resources.some(({ name }) => name === "demo-registry"));
    assert.deepEqual(await settle(result.registry), { value: { address: "", id: "" }, isSecret: false });
    const { environment } = finder(resources)("demo-configuration").inputs;
    assert.deepEqual(Object.keys(environment as Inputs), ["CLUSTER", "CREATE", "OWNER"]);
  });

  it("keeps no path and no former output in the state, so a moved package deletes what it created", async () => {
    for (const { name, inputs } of (await register()).resources.filter(({ type }) => type.endsWith(":Command"))) {
      assert.ok(!JSON.stringify(inputs).includes(projectFolder), name);
      assert.equal(inputs.create, 'sh -c "$CREATE"', name);
      assert.equal(inputs.delete, name === "demo-configuration" ? undefined : 'sh -c "$DELETE"', name);
      assert.deepEqual([inputs.addPreviousOutputInEnv, inputs.logging], [false, "stderr"], name);
    }
  });
});

describe("A ClusterImage", () => {
  it("pushes its copy again to a recreated registry, and is known once it is there", async () => {
    const registry = { address: "localhost:5001", id: "registry-1" };
    const { resources, result } = await runWithMocks(
      () => new ClusterImage("web", { image: "nginx:1.29.3", registry }),
    );
    const reference = "localhost:5001/nginx:1.29.3";
    const { inputs } = finder(resources)("web-push");
    const environment = { IMAGE: "nginx:1.29.3", COPY: reference, CREATE: text("pushImage.sh") };
    assert.deepEqual(inputs.environment, environment);
    assert.deepEqual([inputs.triggers, inputs.delete], [["registry-1"], undefined]);
    assert.deepEqual(await settle(result.reference), { value: reference, isSecret: false });
  });

  const digest = `0123456789ab${"f".repeat(52)}`;
  for (const [image, copy] of [
    ["mysql:9.7.2", "mysql:9.7.2"],
    ["docker.io/library/mysql:9.7.2", "docker.io/library/mysql:9.7.2"],
    ["registry.example.com:5000/team/mysql:9", "registry.example.com-5000/team/mysql:9"],
    ["localhost:5000/mysql:9", "localhost-5000/mysql:9"],
    [`mysql:9.7.2@sha256:${digest}`, "mysql:9.7.2-0123456789ab"],
    [`registry:5000/mysql:9@sha256:${digest}`, "registry-5000/mysql:9-0123456789ab"],
  ] as const) {
    it(`has the reference ${copy} for ${image.slice(0, 40)}`, () => {
      assert.equal(copyReference("localhost:5001", image), `localhost:5001/${copy}`);
    });
  }
});
