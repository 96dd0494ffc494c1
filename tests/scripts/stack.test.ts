import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";

import { foreignVariables } from "../../scripts/lib/pulumi.ts";
import { isStale } from "../../scripts/lib/stack.ts";
import { stateOf } from "../../scripts/lib/state.ts";

describe("The environment of Pulumi", () => {
  const names = (variables: NodeJS.ProcessEnv, hasPassphraseFile = true) =>
    foreignVariables(variables, hasPassphraseFile).map(([name]) => name);

  it("has this project's state and passphrase, whatever another project has exported", () => {
    assert.deepEqual(names({ PATH: "/bin", HTTPS_PROXY: "http://proxy", DOCKER_HOST: "unix:///x" }), []);
    for (const name of [
      "PULUMI_BACKEND_URL",
      "PULUMI_CONFIG_PASSPHRASE",
      "PULUMI_CONFIG_PASSPHRASE_FILE",
      "KIND_EXPERIMENTAL_PROVIDER",
      "DOCKER_DEFAULT_PLATFORM",
      "PULUMI_K8S_DELETE_UNREACHABLE",
      "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    ]) {
      assert.deepEqual(names({ [name]: "another project's" }), [name]);
      assert.deepEqual(names({ [name]: "" }), [name]);
    }
  });

  it("takes the passphrase from the environment where the state began with that one", () => {
    assert.deepEqual(names({ PULUMI_CONFIG_PASSPHRASE: "ours" }, false), []);
  });
});

describe("The lock of a stack", () => {
  // The id of a process that has ended.
  const { pid: ended } = spawnSync("true");

  it("is stale if the run that holds it was killed", () => {
    assert.equal(isStale([{ pid: ended, hostname: hostname() }]), true);
  });

  it("is not if that run is still there, or on another machine", () => {
    assert.equal(isStale([{ pid: process.pid, hostname: hostname() }]), false);
    assert.equal(isStale([{ pid: ended, hostname: `not-${hostname()}` }]), false);
    assert.equal(
      isStale([
        { pid: ended, hostname: hostname() },
        { pid: process.pid, hostname: hostname() },
      ]),
      false,
    );
  });

  it("is not if there is none", () => {
    assert.equal(isStale([]), false);
  });
});

describe("The state of a stack", () => {
  const database = { type: "kubernetes:apps/v1:StatefulSet", inputs: { metadata: { name: "mysql", namespace: "a" } } };

  it("says which kind cluster it created, and where the posts are", () => {
    const environment = { CLUSTER: "demo", TOKEN: "koa-blog/dev/1" };
    const resources = [
      { type: "pulumi:pulumi:Stack" },
      { type: "command:local:Command", inputs: { environment: { REGISTRY: "demo-registry", TOKEN: "2" } } },
      { type: "command:local:Command", inputs: { environment, stdin: "kind: Cluster" } },
      { type: "pulumi:providers:kubernetes", inputs: { clusterIdentifier: "id" } },
      database,
      { type: "kubernetes:apps/v1:StatefulSet", inputs: { metadata: { name: "elasticsearch", namespace: "b" } } },
    ];
    assert.deepEqual(stateOf(resources), {
      kind: { name: "demo", token: "koa-blog/dev/1", config: "kind: Cluster" },
      namespace: "a",
      hasLogs: true,
    });
  });

  it("says where the blog is, without its database or without its Deployment", () => {
    const blog = { ...database, type: "kubernetes:apps/v1:Deployment" };
    const named = { ...blog, inputs: { metadata: { name: "koa-blog", namespace: "a" } } };
    assert.deepEqual([stateOf([named]), stateOf([database])], [{ namespace: "a" }, { namespace: "a" }]);
  });

  it("says which existing cluster it uses, by its UID", () => {
    const resources = [
      { type: "pulumi:providers:kubernetes", inputs: { context: "team", clusterIdentifier: "uid" } },
      { type: "pulumi:providers:kubernetes", inputs: { context: "team" } },
      database,
    ];
    assert.deepEqual(stateOf(resources), { existing: { context: "team", uid: "uid" }, namespace: "a" });
  });

  it("is empty before the first run", () => {
    assert.deepEqual(stateOf([]), {});
  });
});
