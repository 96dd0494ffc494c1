import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";

import { isStale } from "../../scripts/lib/stack.ts";

describe("The lock of a stack", () => {
  // A process that was and is no more.
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
