import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";

import { checkEngine, checkNode, needs, portError, report, type Engine } from "../../scripts/lib/preflight.ts";

const engine: Engine = {
  ServerVersion: "28.2.2",
  OSType: "linux",
  NCPU: 4,
  MemTotal: 8 * 2 ** 30,
  DockerRootDir: "/var/lib/docker",
  OperatingSystem: "Docker Desktop",
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

  it("tells a port in use from a free one", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
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
