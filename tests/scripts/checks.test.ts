import assert from "node:assert/strict";
import { createServer } from "node:net";

import { kindConfig } from "../../components/kind/kindConfig.ts";
import { changedLines, foreignCluster, lossOf } from "../../scripts/lib/checks/cluster.ts";
import { checkEndpoint } from "../../scripts/lib/checks/dockerClient.ts";
import { checkCgroups, checkEngine, isPodman } from "../../scripts/lib/checks/engine.ts";
import type { Finding } from "../../scripts/lib/checks/finding.ts";
import { checkCpu, checkNode } from "../../scripts/lib/checks/machine.ts";
import { portError } from "../../scripts/lib/checks/ports.ts";
import type { FoundCluster } from "../../scripts/lib/kindCluster.ts";
import { settingsFrom } from "../../scripts/lib/project.ts";
import type { State } from "../../scripts/lib/state.ts";
import { kindConfigArgs } from "../../settings.ts";
import { listen } from "../listen.ts";
import { engine, prefixed } from "./fakeProject.ts";

const levels = (findings: Finding[]) => findings.map(({ level }) => level);
const configure = (values: Record<string, unknown>) => settingsFrom(prefixed(values));

/** Fails unless the findings are one problem with the message, or none if no message is expected. */
function assertProblem(findings: Finding[], message: RegExp | undefined, situation: string): void {
  assert.deepEqual(levels(findings), message ? ["problem"] : [], situation);
  if (message) assert.match(findings[0]?.message ?? "", message);
}

describe("The check of the engine", () => {
  const logs = { target: "kind", logging: true } as const;
  const noLogs = { target: "kind", logging: false } as const;
  const memory = (gibibytes: number, config: Parameters<typeof checkEngine>[1]) =>
    checkEngine({ ...engine, MemTotal: gibibytes * 2 ** 30 }, config)[1];

  it("asks for 6 GiB with the logs, which can be left out, for 3.5 GiB without, and for 1 GiB to build only", () => {
    assert.deepEqual([memory(6, logs)?.level, memory(3.5, noLogs)?.level], ["ok", "ok"]);
    assert.match(memory(5.9, logs)?.message ?? "", /has 5\.9 GiB of memory, and the stack needs 6 GiB/);
    assert.match(memory(5.9, logs)?.remedy ?? "", /config set logging false/);
    assert.equal(memory(1, { target: "existing", logging: true })?.level, "ok");
  });

  it("refuses Windows containers, warns of Docker from snap, and does not measure another machine's disk", () => {
    assert.equal(checkEngine({ ...engine, OSType: "windows" }, logs)[0]?.level, "problem");
    const snap = { ...engine, DockerRootDir: "/var/snap/docker/common/var-lib-docker" };
    assert.match(checkEngine(snap, logs).at(-1)?.message ?? "", /no-new-privileges/);
    const disk = checkEngine({ ...engine, DockerRootDir: "/" }, logs, { isRemote: true })[2];
    assert.match(disk?.message ?? "", /not checked, because the engine is on another machine/);
  });

  it("warns of node images that do not start on cgroup v1", () => {
    const warns = (image: string, CgroupVersion = "1") => checkCgroups({ CgroupVersion }, image).length > 0;
    assert.ok(warns("kindest/node:v1.26.0@sha256:0123") && warns("kindest/node:v1.36.3"));
    assert.ok(!warns("kindest/node:v1.36.3", "2") && !warns("kindest/node:v1.26.15") && !warns("kindest/node:v1.34.4"));
  });

  it("distinguishes Podman's command and Podman's service from Docker", () => {
    assert.equal(isPodman({ ServerVersion: "29.1.0" }, { Server: { Components: [{ Name: "Engine" }] } }), false);
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

  it("refuses a cluster of the same name that the stack did not create", () => {
    const cases: [situation: string, found: Partial<FoundCluster>, problem: RegExp | undefined][] = [
      ["its own", { token: "koa-blog/dev/1" }, undefined],
      ["an incomplete one of an interrupted run", { isIncomplete: true }, undefined],
      ["only a registry", { containers: [{ name: "demo-registry", state: "" }] }, undefined],
      ["of another program", {}, /no cluster of the name demo, but another program created one/],
      ["that the state lost", { token: "koa-blog/dev/2" }, /but the Pulumi stack koa-blog\/dev created/],
      ["of an old version", { isOld: true }, /A version of this project before 1\.0\.0/],
    ];
    const none = { token: undefined, registryToken: undefined, isIncomplete: false, isOld: false };
    for (const [situation, changes, expected] of cases) {
      const found = { containers: [{ name: "demo-control-plane", state: "running" }], ...none, ...changes };
      const findings = foreignCluster("demo", found, "koa-blog/dev/1");
      assertProblem(findings, expected, situation);
      const remedy = changes.isOld
        ? /"Upgrade" in CHANGELOG\.md/
        : /clusterName NAME.*kind delete cluster --name demo"/;
      if (expected) assert.match(findings[0]?.remedy ?? "", remedy);
    }
  });

  it("refuses each change that would delete posts, with the reason and the commands that save them", () => {
    type Case = [change: Record<string, unknown>, state: State, uid: string | undefined, loss: RegExp | undefined];
    const cases: Case[] = [
      [{}, own, undefined, undefined],
      [{ workers: 3 }, {}, undefined, undefined],
      [{ workers: 3 }, { kind: own.kind } as State, undefined, undefined],
      [{ workers: 3 }, own, undefined, /kind cluster koa-blog with all users, posts and logs, .*\n {6}\+ role: worker/],
      [{ hostPort: 80 }, own, undefined, /changes:\n {6}- hostPort: 30423\n {6}\+ hostPort: 80$/],
      [{ kibanaPort: 30423, hostPort: 30601 }, own, undefined, /changes:\n {6}the order of its lines$/],
      [{ clusterName: "other" }, own, undefined, /the kind cluster koa-blog .* because clusterName is other$/],
      [team, own, undefined, /the kind cluster koa-blog .* because target is existing$/],
      [{ namespace: "other" }, own, undefined, /the namespace koa-blog with .* because namespace is other$/],
      [team, existing, undefined, undefined],
      [team, existing, "uid-2", /the blog in the existing cluster .* because kubeContext is another cluster$/],
      [{ ...team, kubeContext: "new" }, existing, undefined, /kubectl cannot compare the clusters$/],
      [{ ...team, namespace: "other" }, existing, "uid-1", /because namespace is other$/],
      [{}, existing, undefined, /the blog in the existing cluster .* because target is kind$/],
    ];
    for (const [change, state, uid, expected] of cases) {
      const findings = lossOf(configure(change), state, { isOwn: true, uid });
      assertProblem(findings, expected, JSON.stringify(change));
      const remedy = 'Run "npm run backup". Then run "npm run up -- --replace-cluster"';
      if (expected) assert.equal(findings[0]?.remedy, remedy);
      // Without the cluster, there are no posts.
      if (state.kind) assert.deepEqual(lossOf(configure(change), state, { isOwn: false }), []);
    }
    const nodes = "- role: worker\n  image: a\n- role: worker\n  image: a\n";
    assert.equal(changedLines(nodes, nodes.replaceAll("image: a", "image: b")), "      - image: a\n      + image: b");
  });
});

describe("A check", () => {
  it("of Node.js asks for 20.19 or later", () => {
    assert.deepEqual(levels(["9.9.0", "20.18.9", "20.19.0"].map(checkNode)), ["problem", "problem", "ok"]);
  });

  it("of a port finds a program that uses it, and an address that this machine lacks", async () => {
    const server = createServer();
    const port = await listen(server);
    const refusal = () => Promise.resolve("EACCES");
    assert.equal(await portError(port, "127.0.0.1"), "EADDRINUSE");
    // An ordinary user may not listen below port 1024, but Docker may.
    assert.equal(await portError(port, "127.0.0.1", refusal), "EADDRINUSE");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await portError(port, "127.0.0.1"), undefined);
    assert.equal(await portError(port, "127.0.0.1", refusal), undefined);
    // https://www.rfc-editor.org/rfc/rfc5737
    assert.equal(await portError(0, "192.0.2.1"), "EADDRNOTAVAIL");
  });

  it("of the CPU names what MySQL 9 lacks on kvm64, and accepts other CPUs and images", () => {
    const kvm64 = "flags\t\t: fpu cx16 lahf_lm pni";
    assertProblem(checkCpu(kvm64, "mysql:9.7.2"), /^The CPU lacks popcnt, sse4_1, sse4_2, ssse3, and mysql:9/, "kvm64");
    assert.deepEqual(checkCpu(`${kvm64} popcnt sse4_1 sse4_2 ssse3`, "mysql:9.7.2"), []);
    assert.deepEqual(checkCpu(kvm64, "mysql:8.0.44-debian"), []);
    assert.deepEqual(checkCpu("", "mysql:9.7.2"), []);
  });

  it("of Docker's address accepts an engine of this machine, and another one only to build images", () => {
    const cases: [endpoint: string, target: "kind" | "existing", dockerHost: string, problem: RegExp | undefined][] = [
      ["unix:///var/run/docker.sock", "kind", "", undefined],
      ["unix:///home/me/.colima/default/docker.sock", "kind", "", undefined],
      ["tcp://127.0.0.1:2375", "kind", "", /cannot use the TLS files/],
      ["ssh://me@build", "kind", "", /ssh:\/\/me@build is on another machine/],
      ["tcp://localhost.example.com:2376", "kind", "tcp://localhost.example.com:2376", /is on another machine/],
      ["ssh://me@build", "existing", "", undefined],
      ["tcp://build:2376", "existing", "", /cannot use the TLS files of the Docker context/],
    ];
    for (const [endpoint, target, DOCKER_HOST, expected] of cases) {
      assertProblem(checkEndpoint(endpoint, target, { DOCKER_HOST }), expected, endpoint);
    }
  });
});
