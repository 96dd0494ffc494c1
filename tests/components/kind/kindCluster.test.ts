import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { copyReference } from "../../../components/kind/clusterImage.ts";
import { ClusterImage, KindCluster, type KindClusterArgs } from "../../../components/kind/index.ts";
import { kindConfig } from "../../../components/kind/kindConfig.ts";
import { projectFolder } from "../../../scripts/lib/project.ts";
import { finder } from "../manifest.ts";
import { type Inputs, runWithMocks, settle } from "../program.ts";

const text = (script: string) => readFileSync(join(projectFolder, "components/kind/scripts", script), "utf8");
const register = (args: KindClusterArgs = {}) => runWithMocks(() => new KindCluster("demo", args));

describe("A KindCluster", () => {
  it("runs scripts whose text is in the state, so a moved package deletes what it created", async () => {
    const find = finder((await register()).resources);
    for (const [name, create, deletion] of [
      ["demo-registry", "createRegistry.sh", "deleteRegistry.sh"],
      ["demo-cluster", "createCluster.sh", "deleteCluster.sh"],
      ["demo-configuration", "configureCluster.sh"],
    ] as const) {
      const { create: created, delete: deleted, environment, addPreviousOutputInEnv, logging } = find(name).inputs;
      const { CREATE, DELETE, ...others } = environment as Inputs;
      assert.deepEqual([created, CREATE], ['sh -c "$CREATE"', text(create)]);
      assert.deepEqual([deleted, DELETE], deletion ? ['sh -c "$DELETE"', text(deletion)] : [undefined, undefined]);
      assert.ok(!JSON.stringify(others).includes(projectFolder));
      assert.deepEqual([addPreviousOutputInEnv, logging], [false, "stderr"]);
    }
  });

  it("is recreated if its token, name or configuration changed, and its registry is updated", async () => {
    const args = { name: "my.cluster", workers: 2, nodeImage: "kindest/node:v1" };
    const find = finder((await register({ ...args, registryPort: 5055, registryImage: "registry:2" })).resources);
    const token = "koa-blog/dev/token of my.cluster";
    const { triggers, stdin, update } = find("demo-cluster").inputs;
    assert.deepEqual(triggers, [token, "my.cluster", kindConfig(args)]);
    // stdout is the kubeconfig.
    assert.deepEqual(find("demo-cluster").additionalSecretOutputs, ["stdout"]);
    // Two clusters or registries cannot have the same name and ports.
    assert.ok(find("demo-cluster").deleteBeforeReplace && find("demo-registry").deleteBeforeReplace);
    assert.deepEqual([stdin, update], [kindConfig(args), "kind get kubeconfig --name my.cluster"]);
    assert.deepEqual(find("demo-configuration").inputs.triggers, ["demo-cluster-id"]);
    // A replacement would first delete the pods that have its images.
    const registry = find("demo-registry").inputs;
    assert.deepEqual([registry.triggers, registry.update], [["my.cluster-registry"], undefined]);
    const { TOKEN, OWNER, REGISTRY, IMAGE, PORT } = registry.environment as Inputs;
    const environment = [`${token}-registry`, "koa-blog/dev", "my.cluster-registry", "registry:2", "5055"];
    assert.deepEqual([TOKEN, OWNER, REGISTRY, IMAGE, PORT], environment);
  });

  it("has another id for another token or configuration, known before the cluster is replaced", async () => {
    const idOf = async (args: KindClusterArgs) => (await settle((await register(args)).result.clusterId)).value;
    const ids = [await idOf({}), await idOf({}), await idOf({ workers: 1 }), await idOf({ name: "other" })];
    assert.equal(ids[0], ids[1]);
    assert.equal(new Set(ids).size, 3);
    // The command's id is unknown then, and Pulumi would delete the provider of the objects before them.
    const { clusterId } = (await register()).result;
    const dependencies = await (clusterId as { allResources?(): Promise<Set<unknown>> }).allResources?.();
    assert.equal(dependencies?.size, 0);
  });

  it("has no registry if registryPort is 0", async () => {
    const { resources, result } = await register({ registryPort: 0 });
    assert.ok(!resources.some(({ name }) => name === "demo-registry"));
    assert.deepEqual((await settle(result.registry)).value, { address: "", id: "" });
    const { environment } = finder(resources)("demo-configuration").inputs;
    assert.deepEqual(Object.keys(environment as Inputs), ["CLUSTER", "CREATE", "OWNER"]);
  });

  it("overrides kind's configuration with a patch, and lets containerd find the registry", () => {
    const configPatch = { nodes: [{ role: "worker" }], networking: { ipFamily: "dual" } };
    const config = parse(kindConfig({ workers: 3, configPatch })) as Inputs;
    assert.deepEqual([config.nodes, config.networking], [configPatch.nodes, configPatch.networking]);
    // containerd refuses config_path next to the mirror of old node images, so the whole section is replaced.
    const value = { config_path: "/etc/containerd/certs.d" };
    const patch = [{ op: "add", path: "/plugins/io.containerd.grpc.v1.cri/registry", value }];
    assert.deepEqual(config.containerdConfigPatchesJSON6902, [JSON.stringify(patch)]);
  });
});

describe("A ClusterImage", () => {
  it("pushes its copy again to a recreated registry", async () => {
    const registry = { address: "localhost:5001", id: "registry-1" };
    const program = () => new ClusterImage("web", { image: "nginx:1.29.3", registry });
    const { environment, triggers } = finder((await runWithMocks(program)).resources)("web-push").inputs;
    const COPY = "localhost:5001/nginx:1.29.3";
    assert.deepEqual(environment, { IMAGE: "nginx:1.29.3", COPY, CREATE: text("pushImage.sh") });
    assert.deepEqual(triggers, ["registry-1"]);
  });

  it("has a reference without the colon of a port and with a part of the digest", () => {
    const image = `registry.example.com:5000/team/mysql:9@sha256:0123456789ab${"f".repeat(52)}`;
    const copy = "localhost:5001/registry.example.com-5000/team/mysql:9-0123456789ab";
    assert.equal(copyReference("localhost:5001", image), copy);
  });
});
