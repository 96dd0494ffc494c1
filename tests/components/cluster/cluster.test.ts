import assert from "node:assert/strict";

import { parse } from "yaml";

import { ExistingCluster } from "../../../components/cluster/existingCluster.ts";
import { LocalCluster } from "../../../components/cluster/localCluster.ts";
import { finder } from "../manifest.ts";
import { runProgram, runWithMocks, secretValue, settle } from "../program.ts";

describe("The local cluster", () => {
  it("is known by the ID of its creation, and takes over what a killed run left", async () => {
    const { resources } = await runWithMocks(() => new LocalCluster("local", {}));
    const { kubeconfig, clusterIdentifier, ...inputs } = finder(resources)("local-provider").inputs;
    assert.equal(secretValue(kubeconfig), "stdout of local-kind-cluster");
    assert.match(clusterIdentifier as string, /^[0-9a-f]{16}$/);
    assert.deepEqual(inputs, { upsertExistingObjects: "true", enablePatchForce: "true", deleteUnreachable: "true" });
  });

  it("gets its settings from the stack, and publishes the blog and Kibana on this machine", async () => {
    const { resources, outputs } = await runProgram({
      ...{ clusterName: "other", workers: "1", registryPort: "5055", registryImage: "registry:2", logging: "false" },
      ...{ nodeImage: "kindest/node:v1", hostPort: "8080", kibanaPort: "5601", listenAddress: "::1" },
    });
    const find = finder(resources);
    const { environment, triggers, stdin } = find("local-kind-cluster").inputs;
    assert.equal((environment as { CLUSTER: string }).CLUSTER, "other");
    const image = "kindest/node:v1";
    const ports = [
      { listenAddress: "::1", protocol: "TCP", containerPort: 30423, hostPort: 8080 },
      { listenAddress: "127.0.0.1", protocol: "TCP", containerPort: 30601, hostPort: 5601 },
    ];
    assert.deepEqual((parse(stdin as string) as { nodes: unknown }).nodes, [
      { role: "control-plane", image, extraPortMappings: ports },
      { role: "worker", image },
    ]);
    assert.deepEqual((triggers as unknown[])[2], stdin);
    const registry = find("local-kind-registry").inputs.environment as Record<string, unknown>;
    assert.deepEqual([registry.REGISTRY, registry.IMAGE, registry.PORT], ["other-registry", "registry:2", "5055"]);
    assert.equal(outputs.url?.value, "http://[::1]:8080");
  });
});

describe("An existing cluster", () => {
  it("is known by the UID of the namespace kube-system, and its objects are not taken over", async () => {
    const registry = { address: "registry.example.com/team" };
    const { resources, result } = await runWithMocks(() => new ExistingCluster("team", { context: "team", registry }));
    const find = finder(resources);
    assert.deepEqual(find("team-provider").inputs, { context: "team", clusterIdentifier: "uid of kube-system" });
    assert.deepEqual(find("team-reader").inputs, { context: "team" });
    assert.ok(find("team-system").provider.startsWith(find("team-reader").urn));
    assert.deepEqual(Object.keys(result.options), ["providers"]);
    assert.equal((await settle(result.image("mysql", "mysql:9"))).value, "mysql:9");
  });
});
