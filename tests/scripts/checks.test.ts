import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";

import { kindConfig } from "../../components/kind/kindConfig.ts";
import { changedLines, checkContainers, foreignCluster, lossOf } from "../../scripts/lib/checks/cluster.ts";
import { checkCgroups, checkEngine, type Engine, isPodman } from "../../scripts/lib/checks/engine.ts";
import { conclude, type Finding, report } from "../../scripts/lib/checks/finding.ts";
import { checkCpu, checkNode } from "../../scripts/lib/checks/machine.ts";
import { portError } from "../../scripts/lib/checks/ports.ts";
import type { FoundCluster } from "../../scripts/lib/kindCluster.ts";
import { settingsFrom } from "../../scripts/lib/project.ts";
import type { State } from "../../scripts/lib/state.ts";
import { kindConfigArgs } from "../../settings.ts";
import { listen } from "../listen.ts";

const levels = (findings: Finding[]) => findings.map(({ level }) => level);
const configure = (values: Record<string, unknown>) =>
  settingsFrom(Object.fromEntries(Object.entries(values).map(([key, value]) => [`koa-blog:${key}`, value])));

describe("The check of the engine", () => {
  const engine: Engine = {
    ServerVersion: "28.2.2",
    OSType: "linux",
    NCPU: 4,
    MemTotal: 8 * 2 ** 30,
    DockerRootDir: "/no/such/folder",
    OperatingSystem: "Docker Desktop",
    CgroupVersion: "2",
  };
  const logs = { target: "kind", logging: true } as const;
  const noLogs = { target: "kind", logging: false } as const;
  const gibibytes = (count: number) => ({ ...engine, MemTotal: count * 2 ** 30 });

  it("accepts an engine with 8 GB", () => {
    assert.deepEqual(levels(checkEngine(engine, logs)), ["ok", "ok", "ok"]);
  });

  it("refuses an engine that is too small, and says what it has and what it needs", () => {
    const [, memory] = checkEngine(gibibytes(2), noLogs);
    assert.equal(memory?.level, "problem");
    assert.match(memory.message, /has 2\.0 GiB of memory, and the stack needs 3\.5 GiB/);
    assert.match(memory.remedy ?? "", /Docker Desktop under Settings, Resources$/);
  });

  it("asks for more memory with the logs, and says that they can be left out", () => {
    assert.equal(checkEngine(gibibytes(4), noLogs)[1]?.level, "ok");
    const [, memory] = checkEngine(gibibytes(4), logs);
    assert.match(memory?.message ?? "", /has 4\.0 GiB of memory, and the stack needs 6 GiB/);
    assert.match(memory?.remedy ?? "", /config set logging false/);
  });

  it("asks for less for an existing cluster, with or without logs", () => {
    assert.equal(checkEngine(gibibytes(2), { target: "existing", logging: true })[1]?.level, "ok");
  });

  it("reports every problem of the engine at once", () => {
    assert.deepEqual(levels(checkEngine({ ...gibibytes(1), OSType: "windows" }, logs)), ["problem", "problem", "ok"]);
  });

  it("asks for the disk of a first installation, and for little after it", function () {
    // A file system without free space.
    if (!existsSync("/proc")) this.skip();
    const full = { ...engine, DockerRootDir: "/proc" };
    const disk = (options = {}) => checkEngine(full, logs, options)[2]?.message ?? "";
    assert.match(disk(), /has 0\.0 GiB free, and the stack needs 15 GiB/);
    assert.match(disk({ isInstalled: true }), /and the stack needs 3 GiB/);
    assert.match(disk({ isRemote: true }), /not checked, because the engine is on another machine/);
  });

  it("warns of Docker from snap, whose containers may exit at once", () => {
    const [, , , snap] = checkEngine({ ...engine, DockerRootDir: "/var/snap/docker/common/var-lib-docker" }, logs);
    assert.equal(snap?.level, "warning");
    assert.match(snap.message, /no-new-privileges/);
  });

  for (const [image, cgroups, warns] of [
    ["kindest/node:v1.26.0@sha256:0123", "1", true],
    ["kindest/node:v1.26.0", "2", false],
    ["kindest/node:v1.26.15", "1", false],
    ["kindest/node:v1.34.4", "1", false],
    ["kindest/node:v1.36.3", "1", true],
    ["kindest/node:v1.36.3", "2", false],
    ["mirror.example.com/node:ours", "1", false],
  ] as const) {
    it(`${warns ? "warns of" : "accepts"} ${image} on a host with cgroup v${cgroups}`, () => {
      const findings = checkCgroups({ CgroupVersion: cgroups }, image);
      assert.deepEqual(levels(findings), warns ? ["warning"] : []);
    });
  }

  it("distinguishes Podman's command and Podman's service from Docker", () => {
    assert.equal(isPodman({ ServerVersion: "29.1.0" }, { Server: { Components: [{ Name: "Engine" }] } }), false);
    assert.equal(isPodman({ ServerVersion: "20.10.24" }, { Server: {} }), false);
    assert.equal(isPodman({ ServerVersion: "5.4.0" }, { Server: { Components: [{ Name: "Podman Engine" }] } }), true);
    assert.equal(isPodman({ host: {}, version: {} }, { Client: {} }), true);
  });
});

describe("The check of the cluster", () => {
  const config = configure({});
  assert.equal(config.target, "kind");
  const present = kindConfig(kindConfigArgs(config));
  const own: State = { kind: { name: "koa-blog", token: "koa-blog/dev/1", config: present }, namespace: "koa-blog" };
  const existing: State = { existing: { context: "team", uid: "uid-1" }, namespace: "koa-blog" };
  const team = { target: "existing", kubeContext: "team", registry: "registry.example.com/team" };

  describe("for a cluster that the stack did not create", () => {
    const found = (changes: Partial<FoundCluster> = {}): FoundCluster => ({
      containers: [{ name: "demo-control-plane", state: "running" }],
      token: undefined,
      registryToken: undefined,
      isIncomplete: false,
      isOld: false,
      ...changes,
    });
    const cases: [situation: string, found: FoundCluster, problem: RegExp | undefined][] = [
      ["accepts the stack's own cluster", found({ token: "koa-blog/dev/1" }), undefined],
      ["accepts an incomplete one of an interrupted run", found({ isIncomplete: true }), undefined],
      ["accepts that there is none", found({ containers: [] }), undefined],
      [
        "accepts that there is only a registry",
        found({ containers: [{ name: "demo-registry", state: "" }] }),
        undefined,
      ],
      ["refuses one of another program", found(), /no cluster of the name demo, but another program created one/],
      [
        "refuses one of another stack",
        found({ token: "koa-blog/other/2" }),
        /but the Pulumi stack koa-blog\/other created/,
      ],
      [
        "refuses one that the state lost",
        found({ token: "koa-blog/dev/2" }),
        /but the Pulumi stack koa-blog\/dev created/,
      ],
      ["refuses one of a version before 1.0.0", found({ isOld: true }), /A version of this project before 1\.0\.0/],
    ];
    for (const [situation, cluster, expected] of cases) {
      it(situation, () => {
        const findings = foreignCluster("demo", cluster, "koa-blog/dev/1");
        assert.deepEqual(levels(findings), expected ? ["problem"] : []);
        if (expected) assert.match(findings[0]?.message ?? "", expected);
      });
    }

    it("names both remedies, and the upgrade for an old cluster", () => {
      const [foreign] = foreignCluster("demo", found(), undefined);
      assert.match(foreign?.remedy ?? "", /config set clusterName NAME.*kind delete cluster --name demo"/);
      const [old] = foreignCluster("demo", found({ isOld: true }), undefined);
      assert.match(old?.remedy ?? "", /"Upgrade" in CHANGELOG\.md/);
    });
  });

  describe("for a change that would delete the posts", () => {
    const cases: [change: Record<string, unknown>, state: State, uid: string | undefined, loss: RegExp | undefined][] =
      [
        [{}, own, undefined, undefined],
        [{ replicas: 3, registryPort: 5002 }, own, undefined, undefined],
        [{ workers: 3 }, {}, undefined, undefined],
        [{ workers: 3 }, { kind: own.kind } as State, undefined, undefined],
        [
          { workers: 3 },
          own,
          undefined,
          /the kind cluster koa-blog with all users, posts and logs, .*\n {6}\+ role: worker/,
        ],
        [{ hostPort: 80 }, own, undefined, /changes:\n {6}- hostPort: 30423\n {6}\+ hostPort: 80$/],
        [{ kibanaPort: 30423, hostPort: 30601 }, own, undefined, /changes:\n {6}the order of its lines$/],
        [{ clusterName: "other" }, own, undefined, /the kind cluster koa-blog .* because clusterName is other$/],
        [team, own, undefined, /the kind cluster koa-blog .* because target is existing$/],
        [{ namespace: "other" }, own, undefined, /the namespace koa-blog with .* because namespace is other$/],
        [team, existing, "uid-1", undefined],
        [team, existing, undefined, undefined],
        [team, existing, "uid-2", /the blog in the existing cluster .* because kubeContext is another cluster$/],
        [{ ...team, namespace: "other" }, existing, "uid-1", /because namespace is other$/],
        [{}, existing, undefined, /the blog in the existing cluster .* because target is kind$/],
      ];
    for (const [change, state, uid, expected] of cases) {
      it(`${expected ? "refuses" : "accepts"} ${JSON.stringify(change)} with ${JSON.stringify(Object.keys(state))}`, () => {
        const findings = lossOf(configure(change), state, { isOwn: true, uid });
        assert.deepEqual(levels(findings), expected ? ["problem"] : []);
        if (!expected) return;
        assert.match(findings[0]?.message ?? "", expected);
        assert.equal(findings[0]?.remedy, 'Run "npm run backup". Then run "npm run up -- --replace-cluster"');
      });
    }

    it("accepts every change if the cluster is gone", () => {
      for (const change of [{ workers: 3 }, { clusterName: "other" }, { namespace: "other" }, team]) {
        assert.deepEqual(lossOf(configure(change), own, { isOwn: false }), []);
      }
    });

    it("shows a line of all nodes once", () => {
      const before = "- role: worker\n  image: a\n- role: worker\n  image: a\n";
      assert.equal(
        changedLines(before, before.replaceAll("image: a", "image: b")),
        "      - image: a\n      + image: b",
      );
    });
  });

  it("refuses stopped containers with the command that starts them", () => {
    const containers = [
      { name: "demo-worker", state: "exited" },
      { name: "demo-control-plane", state: "running" },
      { name: "demo-registry", state: "created" },
    ];
    assert.equal(checkContainers({ containers })[0]?.remedy, "Start them: docker start demo-worker demo-registry");
    assert.deepEqual(checkContainers({ containers: containers.slice(1, 2) }), []);
  });
});

describe("A check", () => {
  it("of Node.js asks for 20.19 or later", () => {
    assert.deepEqual(levels(["18.20.0", "20.18.9", "20.19.0", "24.1.0"].map(checkNode)), [
      ...["problem", "problem", "ok", "ok"],
    ]);
  });

  it("of a port distinguishes a port in use from a free one", async () => {
    const server = createServer();
    const port = await listen(server);
    assert.equal(await portError(port, "127.0.0.1"), "EADDRINUSE");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await portError(port, "127.0.0.1"), undefined);
  });

  const refused: [code: string, listens: boolean, busy: string | undefined][] = [
    ["EACCES", false, undefined],
    ["EACCES", true, "EADDRINUSE"],
    ["EADDRNOTAVAIL", false, "EADDRNOTAVAIL"],
  ];
  for (const [code, listens, busy] of refused) {
    it(`of a port ${busy ? "refuses" : "accepts"} ${code} if ${listens ? "a" : "no"} program answers`, async () => {
      const server = createServer().unref();
      const port = await listen(server);
      if (!listens) await new Promise((resolve) => server.close(resolve));
      assert.equal(await portError(port, "127.0.0.1", () => Promise.resolve(code)), busy);
      server.close();
    });
  }

  it("of a port finds an address that this machine lacks", async () => {
    // https://www.rfc-editor.org/rfc/rfc5737
    assert.equal(await portError(0, "192.0.2.1"), "EADDRNOTAVAIL");
  });

  it("of the CPU names what MySQL 9 lacks on kvm64, and accepts other CPUs and images", () => {
    const kvm64 = "flags\t\t: fpu cx16 lahf_lm pni";
    const [cpu] = checkCpu(kvm64, "mysql:9.7.2");
    assert.equal(cpu?.message, "The CPU lacks popcnt, sse4_1, sse4_2, ssse3, and mysql:9.7.2 needs x86-64-v2");
    assert.equal(cpu.level, "problem");
    for (const [cpuinfo, image] of [
      [`${kvm64} popcnt sse4_1 sse4_2 ssse3`, "mysql:9.7.2"],
      [kvm64, "mysql:8.0.44-debian"],
      ["", "mysql:9.7.2"],
    ] as const) {
      assert.deepEqual(checkCpu(cpuinfo, image), []);
    }
  });

  it("is a line of the report, with its remedy below", () => {
    assert.equal(
      report([
        { level: "ok", message: "fine" },
        { level: "problem", message: "bad", remedy: "fix it" },
      ]),
      "✓ fine\n✗ bad\n    → fix it",
    );
  });

  it("with a problem stops a run, and a warning does not", () => {
    conclude([{ level: "ok", message: "fine" }]);
    assert.throws(() => {
      conclude([{ level: "problem", message: "bad" }]);
    }, /^Error: 1 problem\(s\) to fix first\.$/);
  });
});
