import assert from "node:assert/strict";
import { createServer } from "node:net";

import {
  checkCgroups,
  checkEngine,
  checkNode,
  type Engine,
  isPodman,
  needs,
  portError,
  report,
} from "../../scripts/lib/preflight.ts";
import { listen } from "../listen.ts";

const engine: Engine = {
  ServerVersion: "28.2.2",
  OSType: "linux",
  NCPU: 4,
  MemTotal: 8 * 2 ** 30,
  DockerRootDir: "/var/lib/docker",
  OperatingSystem: "Docker Desktop",
  CgroupVersion: "2",
};
const kind = (logging: boolean) => [needs({ target: "kind", logging }), logging] as const;
const levels = (changes: Partial<Engine>) =>
  checkEngine({ ...engine, ...changes }, ...kind(true)).map(({ level }) => level);

describe("The preflight", () => {
  it("accepts an engine with 8 GB", () => {
    assert.deepEqual(levels({}), ["ok", "ok"]);
  });

  it("refuses an engine that is too small, and says what it has and what it needs", () => {
    const small = { ...engine, MemTotal: 2 * 2 ** 30 };
    const [, memory] = checkEngine(small, ...kind(false));
    assert.equal(memory?.level, "problem");
    assert.match(memory.message, /has 2\.0 GiB of memory, and the stack needs 3\.5 GiB/);
    assert.match(memory.remedy ?? "", /Docker Desktop under Settings, Resources/);
    assert.doesNotMatch(memory.remedy ?? "", /logging/);
  });

  it("asks for more memory with the logs, and says that they can be left out", () => {
    const medium = { ...engine, MemTotal: 4 * 2 ** 30 };
    assert.equal(checkEngine(medium, ...kind(false))[1]?.level, "ok");
    const [, memory] = checkEngine(medium, ...kind(true));
    assert.match(memory?.message ?? "", /has 4\.0 GiB of memory, and the stack needs 6 GiB/);
    assert.match(memory?.remedy ?? "", /config set logging false/);
  });

  it("asks for less where no cluster is made, with or without logs", () => {
    const small = { ...engine, MemTotal: 2 * 2 ** 30 };
    for (const target of ["containers", "existing"] as const) {
      assert.equal(checkEngine(small, needs({ target, logging: true }), false)[1]?.level, "ok", target);
    }
  });

  it("reports every problem of the engine at once", () => {
    assert.deepEqual(levels({ OSType: "windows", MemTotal: 2 ** 30 }), ["problem", "problem"]);
  });

  it("asks for Node.js 20.19 or later", () => {
    assert.deepEqual(
      ["18.20.0", "20.18.9", "20.19.0", "24.1.0"].map((version) => checkNode(version).level),
      ["problem", "problem", "ok", "ok"],
    );
  });

  for (const [image, cgroups, reason] of [
    ["kindest/node:v1.26.0@sha256:0123", "1", /v1\.26\.0@sha256:0123 may not start there: node images of kind 0\.19/],
    ["kindest/node:v1.26.0", "2", undefined],
    ["kindest/node:v1.26.15", "1", undefined],
    ["kindest/node:v1.27.2", "1", /kind 0\.19/],
    ["kindest/node:v1.34.4", "1", undefined],
    ["kindest/node:v1.36.3", "1", /the kubelet refuses cgroup v1 from Kubernetes 1\.35 on/],
    ["kindest/node:v1.36.3", "2", undefined],
    ["mirror.example.com/node:ours", "1", undefined],
  ] as const) {
    it(`${reason ? "warns of" : "accepts"} ${image} on a host with cgroup v${cgroups}`, () => {
      const findings = checkCgroups({ CgroupVersion: cgroups }, image);
      assert.deepEqual(
        findings.map(({ level }) => level),
        reason ? ["warning"] : [],
      );
      if (reason) assert.match(findings[0]?.message ?? "", reason);
    });
  }

  it("knows Podman's command and Podman's service from Docker", () => {
    assert.equal(isPodman({ ServerVersion: "29.1.0" }, { Server: { Components: [{ Name: "Engine" }] } }), false);
    assert.equal(isPodman({ ServerVersion: "20.10.24" }, { Server: {} }), false);
    assert.equal(isPodman({ ServerVersion: "5.4.0" }, { Server: { Components: [{ Name: "Podman Engine" }] } }), true);
    assert.equal(isPodman({ host: {}, version: {} }, { Client: {} }), true);
  });

  it("tells a port in use from a free one", async () => {
    const server = createServer();
    const port = await listen(server);
    assert.equal(await portError(port, "127.0.0.1"), "EADDRINUSE");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await portError(port, "127.0.0.1"), undefined);
  });

  it("prints each finding on a line of its own, with its remedy below", () => {
    assert.equal(
      report([
        { level: "ok", message: "fine" },
        { level: "problem", message: "bad", remedy: "mend it" },
      ]),
      "✓ fine\n✗ bad\n    → mend it",
    );
  });
});
