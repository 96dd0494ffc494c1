import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";

import { kindConfig } from "../../components/kind/kindConfig.ts";
import { freePort } from "../../scripts/lib/privateMysql.ts";
import { projectFolder, settingsFrom } from "../../scripts/lib/project.ts";
import type { Resource } from "../../scripts/lib/state.ts";
import { kindConfigArgs } from "../../settings.ts";
import { listen } from "../listen.ts";
import { engine, FakeProject, prefixed } from "./fakeProject.ts";

const token = "koa-blog/dev/0123";
const existing = { target: "existing", kubeContext: "team", registry: "registry.example.com" };

/** A fake pulumi that runs a script. */
const pulumi = (script: string) => `[ "$1" != version ] || { echo v3.265.0; exit; }\n${script}`;

/** The resources in the state of a stack with these settings. */
function recorded(values: Record<string, unknown>): Resource[] {
  const config = settingsFrom(prefixed(values));
  assert.equal(config.target, "kind");
  const environment = { CLUSTER: config.clusterName, TOKEN: token };
  return [
    { type: "command:local:Command", inputs: { environment, stdin: kindConfig(kindConfigArgs(config)) } },
    { type: "kubernetes:apps/v1:StatefulSet", inputs: { metadata: { name: "mysql", namespace: config.namespace } } },
  ];
}

describe("The command", () => {
  let failures = 0;
  let requests = 0;
  const blog = createServer((_, response) => {
    requests += 1;
    response.writeHead(requests > failures ? 200 : 503).end();
  });
  let project: FakeProject;
  let settings: Record<string, unknown>;

  before(async () => {
    settings = { clusterName: "fake", hostPort: await listen(blog), logging: false };
    project = new FakeProject();
  });

  after(() => blog.close());

  beforeEach(() => {
    failures = requests = 0;
    project.reset();
    project.configure(settings);
  });

  /** A stack that runs. */
  const start = (cluster: Parameters<FakeProject["addCluster"]>[1] = { token }) => {
    project.record(recorded(settings));
    project.addCluster("fake", cluster);
    project.write(`fakes/ports/${String(settings.hostPort)}`, "fake-control-plane\n");
    project.write("fakes/ports/30601", "fake-control-plane\n");
    project.write("fakes/ports/5001", "fake-registry\n");
  };
  const change = (values: Record<string, unknown>) => {
    project.configure({ ...settings, ...values });
  };
  const succeeds = async (command: string, ...args: string[]) => {
    const { status, output } = await project.run(command, args);
    assert.equal(status, 0, output);
    return output;
  };
  /** Runs a command that must fail before Pulumi changes anything. */
  const refuses = async (command: string, args: string[] = [], variables: Record<string, string> = {}) => {
    const { status, output } = await project.run(command, args, variables);
    assert.deepEqual([status, project.calls("pulumi")], [1, []], output);
    return output;
  };

  describe("up", () => {
    it("updates and repairs the stack, and prints the URL once the blog answers", async () => {
      start();
      failures = 2;
      const output = await succeeds("up", "--diff");
      assert.deepEqual(project.calls("pulumi"), ["pulumi up --yes --skip-preview --refresh --stack dev --diff"]);
      assert.match(output, new RegExp(`^The blog answers on http://localhost:${String(settings.hostPort)}$`, "m"));
      assert.equal(requests, 3);
    });

    it("refuses to delete posts without --replace-cluster, and names the commands that save them", async () => {
      start();
      change({ workers: 3 });
      const loss = /the kind cluster fake with all users, posts and logs, because its configuration changes/;
      const output = await refuses("up");
      assert.match(output, loss);
      assert.match(output, /Run "npm run backup"\. Then run "npm run up -- --replace-cluster"/);
      assert.match(await succeeds("preview"), loss);
      await succeeds("up", "--replace-cluster");
      const update = "pulumi up --yes --skip-preview --refresh --stack dev";
      assert.deepEqual(project.calls("pulumi"), ["pulumi preview --refresh --stack dev", update]);
    });

    it("names all problems of this machine at once, with their remedies", async () => {
      start({ token, state: "exited" });
      project.write("fakes/ports/30601", "other\n");
      project.write("fakes/engine", JSON.stringify({ ...engine, DockerRootDir: "/proc", MemTotal: 2 ** 30 }));
      project.write("fakes/config.json", '{"credsStore":"desktop"}');
      const output = await refuses("up", [], { DOCKER_CONFIG: join(project.folder, "fakes") });
      assert.match(output, /has 1\.0 GiB of memory, and the stack needs 3\.5 GiB\n.* Give it 8 GB/);
      assert.match(output, /Port 30601 of 127\.0\.0\.1 .*\(container other\)\n.* config set kibanaPort PORT/);
      assert.match(output, /Containers of the cluster are stopped.*\n.* docker start fake-control-plane/);
      assert.match(output, /names docker-credential-desktop for credsStore/);
      // /proc has no free space. An update needs less than the first installation.
      if (process.platform !== "linux") return;
      assert.match(output, /0\.0 GiB free, and the stack needs 3 GiB/);
      project.record([]);
      assert.match(await refuses("up"), /0\.0 GiB free, and the stack needs 10 GiB/);
    });

    it("refuses a cluster of another program, wrong settings, and an engine on another machine", async () => {
      start({});
      assert.match(await refuses("up"), /has no cluster of the name fake, but another program created one/);
      change({ workers: "many" });
      assert.match(await refuses("up"), /configuration cannot be used:\n {2}workers: expected a whole number/);
      project.configure(settings);
      project.write("fakes/endpoint", "ssh://me@build\n");
      assert.match(await refuses("up"), /ssh:\/\/me@build is on another machine.*\n.* unset DOCKER_HOST/);
    });
  });

  it("preview compares the stack with a cluster that answers, and never empties the state", async () => {
    const previews = async (refresh: string) => {
      await succeeds("preview");
      assert.equal(project.calls("pulumi").at(-1), `pulumi preview ${refresh}--stack dev`);
    };
    await previews("");
    start();
    await previews("--refresh ");
    start({ token, state: "exited" });
    await previews("");
    start({ token: "koa-blog/other/1" });
    await previews("");
    start();
    // Its API server has not started.
    project.write("fakes/silent", "");
    await previews("");
    project.record([]);
    project.configure(existing);
    await previews("--refresh ");
  });

  describe("pulumi", () => {
    it("refuses a refresh unless the cluster answers, because it would empty the state", async () => {
      start({ token, state: "exited" });
      for (const args of [["refresh"], ["up", "--refresh"], ["up", "-r"], ["preview", "--refresh=true"]]) {
        assert.match(await refuses("pulumi", args), /Start them: docker start fake-control-plane/);
      }
      await succeeds("pulumi", "config", "get", "workers");
      start();
      await succeeds("pulumi", "refresh", "--yes");
      assert.deepEqual(project.calls("pulumi"), ["pulumi config get workers", "pulumi refresh --yes"]);
      project.write("fakes/silent", "");
      assert.match((await project.run("pulumi", ["refresh"])).output, /The kind cluster fake does not answer/);
      assert.equal(project.calls("pulumi").length, 2);
    });

    it("ends with Pulumi's exit code, and ignores the variables of other projects in docs/troubleshooting.md", async () => {
      const docs = readFileSync(join(projectFolder, "docs/troubleshooting.md"), "utf8");
      const section = docs.split("## Variables of other projects")[1]?.split("\n## ")[0] ?? "";
      const table = [...section.matchAll(/^\|.*?\|/gm)].join().replace("GED_STATE_…", "GED_STATE_GZIP");
      // The component of target kind sets KUBECONFIG.
      const names = (table.match(/[A-Z][A-Z0-9_]{5,}/g) ?? []).filter((name) => name !== "KUBECONFIG");
      assert.ok(names.length > 5);
      const variables = Object.fromEntries(names.map((name) => [name, "other"]));
      project.fake("pulumi", pulumi('env >"$FAKES/environment"; exit 7'));
      project.write("fakes/endpoint", "unix:///home/me/.colima/default/docker.sock\n");
      // Docker ignores an empty variable.
      const { status, output } = await project.spawn("pulumi", ["whoami"], { ...variables, DOCKER_HOST: "" });
      assert.equal(status, 7, output);
      for (const name of names) assert.match(output, new RegExp(`^${name} is set and ignored: `, "m"));
      const environment = project.read("fakes/environment").split("\n");
      assert.deepEqual(
        environment.filter((line) => line.endsWith("=other")),
        [],
      );
      assert.ok(environment.includes(`PULUMI_CONFIG_PASSPHRASE_FILE=${join(project.folder, ".state/passphrase")}`));
      assert.ok(environment.includes("DOCKER_HOST=unix:///home/me/.colima/default/docker.sock"));
    });

    it("lets Pulumi finish its operations after Ctrl-C", async () => {
      const trap = `trap 'sleep 0.3; touch "$FAKES/finished"; exit 0' INT`;
      project.fake("pulumi", pulumi(`${trap}; echo started; while :; do sleep 0.1; done`));
      const { child, ended } = project.start(["node", "--import", "tsx", "scripts/pulumi.ts", "up"]);
      await once(child.stdout, "data");
      process.kill(-Number(child.pid), "SIGINT");
      assert.equal((await ended).status, 0);
      assert.ok(project.exists("fakes/finished"));
    });

    it("creates the stack and a passphrase at the first run, and no passphrase for an existing state", async () => {
      rmSync(join(project.folder, ".state"), { recursive: true });
      await succeeds("pulumi", "whoami");
      assert.match(project.calls("pulumi")[0] ?? "", /^pulumi stack select --create --stack dev/);
      assert.match(project.read(".state/passphrase"), /^[0-9a-f]{64}\n$/);
      assert.equal(statSync(join(project.folder, ".state/passphrase")).mode & 0o777, 0o600);

      project.reset();
      rmSync(join(project.folder, ".state/passphrase"));
      assert.match(
        await refuses("pulumi", ["whoami"]),
        /encrypted with a passphrase that is not in \.state\/passphrase/,
      );
    });

    it("leaves the settings file as it was, although Pulumi adds its salt", async () => {
      const before = project.read("Pulumi.dev.yaml");
      const salt = "echo encryptionsalt: v1:abc >>Pulumi.dev.yaml";
      project.fake("pulumi", pulumi(salt));
      await succeeds("pulumi", "up");
      assert.equal(project.read("Pulumi.dev.yaml"), before);
      // Secrets in the file need the salt.
      project.fake("pulumi", pulumi(`echo '  koa-blog:mysqlPassword: { secure: v1:x }' >>Pulumi.dev.yaml; ${salt}`));
      await succeeds("pulumi", "config", "set", "--secret", "mysqlPassword");
      assert.match(project.read("Pulumi.dev.yaml"), /^encryptionsalt: v1:abc$/m);
    });

    it("releases the lock of a killed run and drops its pending operations, but not the lock of another run", async () => {
      // The id of a process that has ended.
      const { pid: ended } = spawnSync("true");
      const lock = (name: string, pid: number, host = hostname()) => {
        const path = `.state/.pulumi/locks/organization/koa-blog/dev/${name}.json`;
        project.write(path, JSON.stringify({ pid, hostname: host }));
      };
      project.fake("pulumi", pulumi('case $2 in export) echo state ;; import) cat >"$FAKES/state" ;; esac'));
      lock("a", ended, `not-${hostname()}`);
      await succeeds("pulumi", "up");
      lock("a", ended);
      lock("b", process.pid);
      await succeeds("pulumi", "up");
      assert.deepEqual(project.calls("pulumi"), ["pulumi up", "pulumi up"]);
      lock("b", ended);
      assert.match(await succeeds("pulumi", "up"), /The last run was killed/);
      const recovery = ["cancel --yes", "stack export", "stack import"].map((it) => `pulumi ${it} --stack dev`);
      assert.deepEqual(project.calls("pulumi").slice(2), [...recovery, "pulumi up"]);
      assert.equal(project.read("fakes/state"), "state\n");
    });
  });

  describe("destroy", () => {
    const removals = () => project.calls("docker").filter((call) => /^docker (network )?rm /.test(call));

    it("asks once on a terminal, and deletes nothing unless the user types the name of the stack", async function () {
      // The program `script` of util-linux makes the terminal.
      if (process.platform !== "linux") this.skip();
      const command = ["script", "-qec", "node --import tsx scripts/destroy.ts", "/dev/null"];
      const answers = ["y\n", "\u0003", "dev\n"].map((answer) => project.start(command, {}, answer).ended);
      const [other, interrupted, name, noTerminal] = await Promise.all([...answers, project.spawn("destroy")]);
      for (const refused of [other, interrupted]) {
        assert.equal(refused?.status, 1);
        assert.match(refused.output, /This deletes everything .* Type dev to go on: [^]*Nothing was deleted\./);
      }
      assert.equal(noTerminal?.status, 1);
      assert.match(noTerminal.output, /deletes everything .* with all users and posts.*: npm run destroy -- --yes/);
      assert.equal(name?.status, 0, name?.output);
      assert.deepEqual(project.calls("pulumi"), ["pulumi destroy --yes --stack dev"]);
    });

    it("leaves the cluster and the registry of another stack or checkout", async () => {
      for (const [clusterToken, registryToken] of [
        ["koa-blog/other/1", "koa-blog/other/2"],
        // Its cluster needs its registry.
        ["koa-blog/dev/9", "koa-blog/dev/4"],
      ]) {
        start({ token: clusterToken, registryToken });
        await succeeds("destroy", "--yes");
      }
      project.write("fakes/containers", "fake-registry\trunning\t\tkoa-blog/other/2\n");
      await succeeds("destroy", "--yes");
      assert.deepEqual(removals(), []);
    });

    it("deletes the incomplete cluster of a killed run with its registry and network, without kind", async () => {
      const incomplete = "kind-cluster/koa-blog/dev/fake";
      project.write(incomplete, "");
      project.addCluster("fake", { registryToken: "koa-blog/dev/4" });
      await succeeds("destroy", "--yes");
      assert.deepEqual(removals(), [
        "docker rm --force --volumes fake-control-plane",
        "docker rm --force --volumes 0123",
        "docker network rm kind",
      ]);
      assert.deepEqual([project.exists(incomplete), project.calls("kind")], [false, []]);
      // A run that was killed before it created a node. A later cluster of that name must be safe.
      project.write(incomplete, "");
      await succeeds("destroy", "--yes");
      assert.ok(!project.exists(incomplete));
    });
  });

  it("doctor prints every check, and fails if one is a problem", async () => {
    start();
    project.write("fakes/engine", JSON.stringify({ ...engine, CgroupVersion: "1" }));
    const output = await succeeds("doctor");
    assert.match(output, /^✓ Docker engine 29\.1\.0 \(Fake\)$/m);
    assert.match(output, /^! The engine has cgroup v1, and .*\n {4}→ Boot this machine with cgroup v2/m);
    project.write("fakes/engine", JSON.stringify({ ...engine, MemTotal: 2 ** 30 }));
    assert.match(
      await refuses("doctor"),
      /✗ The Docker engine has 1\.0 GiB .*\n {4}→ .*[^]*1 problem\(s\) to fix first/,
    );
  });

  it("logs follows the pods where the state has them, whatever the settings say now", async () => {
    start();
    change({ clusterName: "other", namespace: "other" });
    await succeeds("logs");
    const call = project.calls("docker").at(-1) ?? "";
    assert.match(call, /^docker exec -i fake-control-plane bash .* kubectl .* logs --namespace koa-blog /);
    const provider = { type: "pulumi:providers:kubernetes", inputs: { context: "team", clusterIdentifier: "uid" } };
    project.record([provider]);
    await succeeds("logs", "--since", "1h");
    assert.match(project.calls("kubectl")[0] ?? "", /^kubectl --context team logs --namespace other .* --since 1h$/);
  });

  it("status fails if the blog does not answer, and says what it answers", async () => {
    start();
    assert.match(await succeeds("status"), /localhost:\d+ answers 200$/);
    failures = 9;
    assert.match(await refuses("status"), /localhost:\d+ answers 503$/);
    change({ hostPort: await freePort() });
    assert.match(await refuses("status"), /localhost:\d+ does not answer: /);
    // In Node.js 20, a fetch never settles if the server closes the connection at once, and Node.js exits with code 13.
    const server = createTcpServer((socket) => socket.end());
    const request = `await fetchWithin(100, "http://127.0.0.1:${String(await listen(server))}").catch(() => undefined);`;
    const program = `import { fetchWithin } from "./scripts/lib/fetchWithin.ts"; ${request.repeat(5)}`;
    const node = ["node", "--import", "tsx/esm", "--input-type=module", "--eval", program];
    assert.equal((await project.start(node).ended).status, 0);
    server.close();
  });

  it("refuses a flag that npm kept for itself, and names the right command", async () => {
    const npm = (args: string[], variables = {}) =>
      project.start(["npm", "run", "--silent", ...args], variables).ended.then(({ output }) => output.trim());
    const outputs = await Promise.all([
      npm(["up", "--replace-cluster"]),
      npm(["logs:search", "TEXT", "--since=1h", "--limit=5"]),
      // npm completes it to --replace-registry-host.
      npm(["restore", "FILE", "--replace"]),
      // Without --secret, Pulumi would store the password as plain text.
      npm(["pulumi", "config", "set", "mysqlPassword", "--secret"]),
      // A user's .npmrc with yes=true sets the same variable.
      npm(["destroy", "--", "--yes"], { npm_config_yes: "true" }),
    ]);
    assert.deepEqual(outputs, [
      "npm kept --replace-cluster for itself. Run: npm run up -- --replace-cluster",
      "npm kept --since --limit for itself. Run: npm run logs:search -- … --since --limit",
      "npm kept --replace for itself. Run: npm run restore -- … --replace",
      "npm kept --secret for itself. Run: npm run pulumi -- … --secret",
      "",
    ]);
    assert.deepEqual(project.calls("pulumi"), ["pulumi destroy --yes --stack dev"]);
  });
});
