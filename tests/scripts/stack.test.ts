import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";

import { foreignVariables } from "../../scripts/lib/pulumi.ts";
import { isStale } from "../../scripts/lib/stack.ts";

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
