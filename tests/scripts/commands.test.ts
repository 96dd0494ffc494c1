import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { delimiter, dirname, join } from "node:path";

import { kindConfig } from "../../components/kind/kindConfig.ts";
import { settingsFrom } from "../../scripts/lib/project.ts";
import type { Resource } from "../../scripts/lib/state.ts";
import { kindConfigArgs } from "../../settings.ts";
import { listen } from "../listen.ts";
import { FakeProject } from "./fakeProject.ts";

const token = "koa-blog/dev/0123";

/** The resources in the state of a stack with these settings. */
function recorded(values: Record<string, unknown>): Resource[] {
  const config = settingsFrom(
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`koa-blog:${key}`, value])),
  );
  assert.equal(config.target, "kind");
  const environment = { CLUSTER: config.clusterName, TOKEN: token };
  return [
    { type: "command:local:Command", inputs: { environment, stdin: kindConfig(kindConfigArgs(config)) } },
    { type: "kubernetes:apps/v1:StatefulSet", inputs: { metadata: { name: "mysql", namespace: config.namespace } } },
  ];
}

describe("The command", () => {
  const blog: Server = createServer((_, response) => response.end("ok"));
  let project: FakeProject;
  let settings: Record<string, unknown>;

  before(async () => {
    const hostPort = await listen(blog);
    settings = { clusterName: "fake", hostPort, logging: false };
  });

  after(() => blog.close());

  beforeEach(() => {
    project = new FakeProject();
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

  describe("up", () => {
    it("refreshes the objects of a running cluster, and prints the URL of a blog that answers", async () => {
      start();
      const { status, output } = await project.run("up", ["--diff"]);
      assert.equal(status, 0, output);
      assert.deepEqual(project.calls("pulumi"), ["pulumi up --yes --skip-preview --refresh --stack dev --diff"]);
      assert.match(output, new RegExp(`^The blog answers on http://localhost:${String(settings.hostPort)}$`, "m"));
    });

    it("refuses a cluster of another program before Pulumi runs", async () => {
      start({});
      const { status, output } = await project.run("up");
      assert.equal(status, 1);
      assert.match(output, /state of koa-blog\/dev has no cluster of the name fake, but another program created one/);
      assert.deepEqual(project.calls("pulumi"), []);
    });

    it("refuses to delete posts, and names the commands that save and delete them", async () => {
      start();
      change({ workers: 3 });
      const { status, output } = await project.run("up");
      assert.equal(status, 1);
      assert.match(output, /the kind cluster fake with all users, posts and logs, because its configuration changes/);
      assert.match(output, /Run "npm run backup"\. Then run "npm run up -- --replace-cluster"/);
      assert.deepEqual(project.calls("pulumi"), []);
    });

    it("refuses a port of Kibana that another container uses, also without logs", async () => {
      start();
      project.write("fakes/ports/30601", "other\n");
      const { status, output } = await project.run("up");
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(
        output,
        /Port 30601 of 127\.0\.0\.1 cannot be used \(container other\)\n.* config set kibanaPort PORT/,
      );
    });

    it("refuses stopped nodes, because their replacements would be empty", async () => {
      start({ token, state: "exited" });
      const { status, output } = await project.run("up");
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /Start them: docker start fake-control-plane/);
    });

    it("goes on with --replace-cluster, which Pulumi does not get", async () => {
      start();
      change({ workers: 3 });
      const { status, output } = await project.run("up", ["--replace-cluster"]);
      assert.equal(status, 0, output);
      assert.deepEqual(project.calls("pulumi"), ["pulumi up --yes --skip-preview --refresh --stack dev"]);
    });

    it("says the right command if npm took --replace-cluster for itself", async () => {
      start();
      const npm = { npm_config_replace_cluster: "true", npm_lifecycle_event: "up" };
      const { status, output } = await project.run("up", [], npm);
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /npm kept --replace-cluster for itself\. Run: npm run up -- --replace-cluster/);
    });

    it("says how to install Pulumi if it cannot be downloaded, before anything is created", async () => {
      start();
      project.write("fakes/bin/pulumi", "#!/bin/sh\nexit 1\n");
      const fetch = "data:text/javascript,globalThis.fetch=async()=>{throw%20new%20Error('fetch%20failed')}";
      const { status, output } = await project.run("up", [], {
        PATH: [join(project.folder, "fakes/bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
        NODE_OPTIONS: `--import "${fetch}"`,
      });
      assert.equal(status, 1);
      assert.match(
        output,
        /fetch failed\nPulumi cannot be downloaded from .*\. Install Pulumi 3\.\S+ or later on PATH: http/,
      );
    });

    it("refuses a full disk, and asks an installed stack for less", async function () {
      // A file system without free space.
      if (process.platform !== "linux") this.skip();
      project.setEngine({ DockerRootDir: "/proc" });
      assert.match((await project.run("up")).output, /0\.0 GiB free, and the stack needs 10 GiB/);
      start();
      assert.match((await project.run("up")).output, /0\.0 GiB free, and the stack needs 3 GiB/);
      project.record([]);
      assert.match((await project.run("up")).output, /0\.0 GiB free, and the stack needs 10 GiB/);
    });

    it("refuses an engine on another machine before anything runs", async () => {
      project.write("fakes/endpoint", "ssh://me@build\n");
      const { status, output } = await project.run("up");
      assert.deepEqual([status, project.calls("pulumi"), project.calls("docker").length], [1, [], 1]);
      assert.match(output, /ssh:\/\/me@build is on another machine.*\n.* unset DOCKER_HOST, or docker context use/);
    });

    it("refuses a program for passwords that Docker Desktop left behind", async () => {
      project.write(".docker/config.json", '{"credsStore":"desktop"}');
      const { status, output } = await project.run("up", [], { DOCKER_CONFIG: join(project.folder, ".docker") });
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /names docker-credential-desktop for credsStore/);
    });

    it("refuses wrong settings with the message of the program", async () => {
      change({ workers: "many" });
      const { status, output } = await project.run("up");
      assert.equal(status, 1);
      assert.match(output, /The stack's configuration cannot be used:\n {2}workers: expected a whole number/);
    });
  });

  describe("preview", () => {
    for (const [situation, cluster, refresh] of [
      ["refreshes the objects of a running cluster", { token }, "--refresh "],
      ["needs no running cluster", { token, state: "exited" }, ""],
      ["does not refresh from the cluster of another program", {}, ""],
    ] as const) {
      it(situation, async () => {
        start(cluster);
        assert.equal((await project.run("preview")).status, 0);
        assert.deepEqual(project.calls("pulumi"), [`pulumi preview ${refresh}--stack dev`]);
      });
    }

    it("does not refresh from a node whose API server has not started, because it would empty the state", async () => {
      start();
      project.write("fakes/silent", "");
      assert.equal((await project.run("preview")).status, 0);
      assert.deepEqual(project.calls("pulumi"), ["pulumi preview --stack dev"]);
      const { status, output } = await project.run("pulumi", ["refresh"]);
      assert.deepEqual([status, project.calls("pulumi").length], [1, 1]);
      assert.match(output, /The kind cluster fake does not answer/);
    });

    it("does not refresh before the first run", async () => {
      assert.equal((await project.run("preview")).status, 0);
      assert.deepEqual(project.calls("pulumi"), ["pulumi preview --stack dev"]);
    });

    it("refreshes the objects of an existing cluster", async () => {
      project.configure({ target: "existing", kubeContext: "team", registry: "registry.example.com" });
      assert.equal((await project.run("preview")).status, 0);
      assert.deepEqual(project.calls("pulumi"), ["pulumi preview --refresh --stack dev"]);
    });

    it("says which posts an update would delete, and goes on", async () => {
      start();
      change({ workers: 3 });
      const { status, output } = await project.run("preview");
      assert.equal(status, 0, output);
      assert.match(output, /A run would delete the kind cluster fake/);
      assert.equal(project.calls("pulumi").length, 1);
    });
  });

  for (const [command, args, flag] of [
    ["preview", [], "expect-no-changes"],
    ["logs:search", ["TEXT"], "limit"],
    ["pulumi", ["config", "set", "mysqlPassword", "fake-value"], "secret"],
  ] as const) {
    it(`${command} refuses --${flag} that npm took for itself, before anything runs`, async () => {
      const npm = { [`npm_config_${flag.replaceAll("-", "_")}`]: "true", npm_lifecycle_event: command };
      const script = command === "logs:search" ? "searchLogs" : command;
      const { status, output } = await project.run(script, [...args], npm);
      assert.deepEqual([status, project.calls("pulumi"), project.calls("docker")], [1, [], []]);
      const rest = args.length > 0 ? "… " : "";
      assert.equal(output.trim(), `npm kept --${flag} for itself. Run: npm run ${command} -- ${rest}--${flag}`);
    });
  }

  describe("pulumi", () => {
    for (const args of [["refresh"], ["up", "--refresh"], ["up", "-r"], ["preview", "--refresh=true"]]) {
      it(`refuses ${args.join(" ")} on stopped nodes, because it would empty the state`, async () => {
        start({ token, state: "exited" });
        const { status, output } = await project.run("pulumi", args);
        assert.deepEqual([status, project.calls("pulumi")], [1, []]);
        assert.match(output, /Start them: docker start fake-control-plane/);
      });
    }

    it("runs other commands on stopped nodes, and a refresh on running ones", async () => {
      start({ token, state: "exited" });
      assert.equal((await project.run("pulumi", ["config", "get", "workers"])).status, 0);
      start();
      assert.equal((await project.run("pulumi", ["refresh", "--yes"])).status, 0);
      assert.deepEqual(project.calls("pulumi"), ["pulumi config get workers", "pulumi refresh --yes"]);
    });

    for (const [endpoint, host] of [
      ["unix:///home/me/.colima/default/docker.sock", "unix:///home/me/.colima/default/docker.sock"],
      ["ssh://me@build", "ssh://me@build"],
      ["tcp://build:2376", ""],
    ] as const) {
      it(`uses the engine ${endpoint} of the Docker context`, async () => {
        project.write("fakes/endpoint", `${endpoint}\n`);
        // Docker ignores an empty variable.
        await project.run("pulumi", ["whoami"], { DOCKER_HOST: "" });
        assert.ok(project.read("fakes/environment").split("\n").includes(`DOCKER_HOST=${host}`));
      });
    }

    it("ignores another project's platform, and says so", async () => {
      const { output } = await project.run("pulumi", ["whoami"], { DOCKER_DEFAULT_PLATFORM: "linux/s390x" });
      assert.match(output, /DOCKER_DEFAULT_PLATFORM is set and ignored: images have the platform of the Docker engine/);
      assert.doesNotMatch(project.read("fakes/environment"), /DOCKER_DEFAULT_PLATFORM/);
    });
  });

  describe("destroy", () => {
    it("deletes nothing without a terminal and without --yes, and names the command", async () => {
      start();
      const { status, output } = await project.run("destroy");
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /deletes everything .* with all users and posts.*: npm run destroy -- --yes/);
    });

    it("asks once on a terminal, and deletes nothing unless the user types the name of the stack", async function () {
      // The program `script` of util-linux makes the terminal.
      if (process.platform !== "linux") this.skip();
      for (const answer of ["y\n", "\u0004", "\u0003"]) {
        const { status, output } = await project.runOnTerminal("destroy", answer);
        assert.equal(status, 1, output);
        assert.match(output, /This deletes everything .* Type dev to go on: [^]*Nothing was deleted\./);
      }
      assert.deepEqual(project.calls("pulumi"), []);
      assert.equal((await project.runOnTerminal("destroy", "dev\n")).status, 0);
      assert.deepEqual(project.calls("pulumi"), ["pulumi destroy --yes --stack dev"]);
    });

    it("says the right command if npm took --yes for itself", async () => {
      const npm = { npm_config_yes: "true", npm_lifecycle_event: "destroy" };
      const { status, output } = await project.run("destroy", [], npm);
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /npm kept --yes for itself\. Run: npm run destroy -- --yes/);
      // A user's .npmrc with yes=true sets the same variable.
      assert.equal((await project.run("destroy", ["--yes"], npm)).status, 0);
    });

    it("goes on with --yes, and leaves what is not of this stack", async () => {
      start({ token: "koa-blog/other/1" });
      project.write("fakes/containers", "fake-registry\trunning\t\tkoa-blog/other/2\n");
      const { status, output } = await project.run("destroy", ["--yes"]);
      assert.equal(status, 0, output);
      assert.deepEqual(project.calls("pulumi"), ["pulumi destroy --yes --stack dev"]);
      assert.ok(![...project.calls("kind"), ...project.calls("docker")].some((call) => /delete| rm /.test(call)));
    });

    it("deletes the incomplete cluster of a killed run, and its registry", async () => {
      project.addCluster("fake");
      project.write("kind-cluster/koa-blog/dev/fake", "");
      const first = await project.run("destroy", ["--yes"]);
      assert.equal(first.status, 0, first.output);
      assert.ok(project.calls("docker").includes("docker rm --force --volumes fake-control-plane"));
      assert.ok(!project.exists("kind-cluster/koa-blog/dev/fake"));
      assert.equal(project.calls("docker").filter((call) => call.startsWith("docker rm")).length, 1);
      assert.ok(project.calls("docker").includes("docker network rm kind"));

      project.write("fakes/containers", "fake-registry\trunning\t\tkoa-blog/dev/4\n");
      assert.equal((await project.run("destroy", ["--yes"])).status, 0);
      assert.ok(project.calls("docker").includes("docker rm --force --volumes 0123"));
    });

    it("needs no kind, which a machine without a network cannot download", async () => {
      start();
      const { status, output } = await project.run("destroy", ["--yes"]);
      assert.equal(status, 0, output);
      assert.doesNotMatch(project.read("fakes/calls"), /^kind /m);
    });

    it("forgets a run that was killed before it created a node, so that a later cluster of that name is safe", async () => {
      project.write("kind-cluster/koa-blog/dev/fake", "");
      assert.equal((await project.run("destroy", ["--yes"])).status, 0);
      assert.ok(!project.exists("kind-cluster/koa-blog/dev/fake"));
    });

    it("keeps the registry of a cluster that another checkout created", async () => {
      project.addCluster("fake", { token: "koa-blog/dev/9" });
      project.write(
        "fakes/containers",
        `${project.read("fakes/containers")}fake-registry\trunning\t\tkoa-blog/dev/4\n`,
      );
      assert.equal((await project.run("destroy", ["--yes"])).status, 0);
      assert.ok(!project.calls("docker").some((call) => call.startsWith("docker rm")));
    });

    it("refuses the cluster of a version before 1.0.0, whose own command deletes it", async () => {
      start({});
      project.write("fakes/nodes/fake-control-plane/kind/generation", "1");
      const { status, output } = await project.run("destroy", ["--yes"]);
      assert.deepEqual([status, project.calls("pulumi")], [1, []]);
      assert.match(output, /follow "Upgrade" in CHANGELOG\.md/);
    });
  });

  describe("logs", () => {
    it("follows the pods where the state has them, whatever the settings say now", async () => {
      start();
      change({ clusterName: "other", namespace: "other" });
      assert.equal((await project.run("logs")).status, 0);
      assert.match(
        project.calls("docker").at(-1) ?? "",
        /^docker exec -i fake-control-plane bash .* kubectl .* logs --namespace koa-blog /,
      );
    });

    it("uses the context of an existing cluster", async () => {
      project.configure({ target: "existing", kubeContext: "team", registry: "registry.example.com" });
      assert.equal((await project.run("logs", ["--since", "1h"])).status, 0);
      assert.match(
        project.calls("kubectl")[0] ?? "",
        /^kubectl --context team logs --namespace koa-blog .* --since 1h$/,
      );
    });
  });
});
