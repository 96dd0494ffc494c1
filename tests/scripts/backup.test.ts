import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { mysqlImage } from "../../scripts/lib/mysqlServer.ts";
import { docker, requireDocker } from "../service/docker.ts";
import { until } from "../until.ts";
import { FakeProject } from "./fakeProject.ts";

const complete = gzipSync("-- Backup of the blog, migrations:\n-- Dump completed\n");
const client = "koa-blog-mysql-client";

/** A fake kubectl with a pod that runs db/backup.sh. tests/db/backup.test.ts runs that script with MySQL. */
function kubectl(pod: string, { dump = 'cat "$FAKES/backup"', load = ":", wait = ":" } = {}): string {
  const exec = `*" exec -i ${pod}"*" --container=mysql -- bash -c "*" backup.sh`;
  return `case "$*" in
*"get statefulset/mysql "*) ${pod === client ? ":" : "echo statefulset.apps/mysql"} ;;
*"get deployment/koa-blog "*) cat "$FAKES/deployment.json" ;;
*"create --filename=-") cat >"$FAKES/created.json" ;;
*"wait "*) ${wait} ;;
${exec} dump") ${dump} ;;
${exec} load"*) ${load} ;;
esac`;
}

describe("The commands backup and restore", () => {
  let project: FakeProject;

  before(() => {
    project = new FakeProject();
  });

  beforeEach(() => {
    project.reset();
    project.write("fakes/backup", complete);
    project.write("posts.sql.gz", complete);
  });

  /** Runs a command, which must fail. */
  const fails = async (message: RegExp, command: string, ...args: string[]) => {
    const { status, output } = await project.run(command, args);
    assert.equal(status, 1, output);
    assert.match(output, message);
  };

  it("restore a file that only its owner may read, byte for byte", async () => {
    const restored = "Restored users: 1, posts: 1. All users must log in again.";
    project.fake("docker", kubectl("mysql-0", { load: `cat >"$FAKES/loaded"; echo "${restored}"` }));
    const { output } = await project.run("backup", ["new.sql.gz"]);
    const { size, mode } = statSync(join(project.folder, "new.sql.gz"));
    assert.equal(mode & 0o777, 0o600);
    const message = `Wrote ${String(size)} bytes to new.sql.gz\n\nRestore them with: npm run restore -- new.sql.gz`;
    assert.equal(output, message);
    const restore = await project.run("restore", ["new.sql.gz", "--replace"]);
    assert.deepEqual(restore, { status: 0, output: restored });
    assert.match(project.read("fakes/calls"), /backup\.sh load --replace\n$/);
    assert.equal(project.read("fakes/loaded"), complete.toString());
  });

  it("overwrite no file, and leave none of a truncated backup or of one that failed", async () => {
    await fails(/already exists. Choose another name/, "backup", "posts.sql.gz");
    assert.equal(project.read("posts.sql.gz"), complete.toString());
    for (const [backup, exit, reason] of [
      [complete.subarray(0, -3), 0, /The backup is truncated/],
      [gzipSync("-- Backup of the blog, migrations:\n"), 0, /The backup is truncated/],
      [complete, 1, /The command in mysql-0 failed/],
    ] as const) {
      project.write("failed.sql.gz.part", "of a killed run");
      project.write("fakes/backup", backup);
      project.fake("docker", kubectl("mysql-0", { dump: `cat "$FAKES/backup"; exit ${String(exit)}` }));
      await fails(reason, "backup", "failed.sql.gz");
      assert.deepEqual([project.exists("failed.sql.gz"), project.exists("failed.sql.gz.part")], [false, false]);
    }
  });

  it("say why a restore fails, however large the file is", async () => {
    project.write("large.sql.gz", Buffer.alloc(20_000_000));
    project.fake("docker", kubectl("mysql-0", { load: 'echo "Nothing was changed. Reason." >&2; exit 1' }));
    const { status, output } = await project.spawn("restore", ["large.sql.gz"]);
    assert.equal(status, 1);
    assert.match(output, /^Nothing was changed\. Reason\.\nThe command in mysql-0 failed\./);
    await fails(/^missing\.sql\.gz cannot be read: ENOENT/, "restore", "missing.sql.gz");
    // After Ctrl-C, `docker exec` exits with 0.
    project.fake("docker", kubectl("mysql-0", { load: "cat >/dev/null" }));
    await fails(
      /^The restore was interrupted\. It may be complete or undone\. Run it again, with --replace\.$/,
      "restore",
      "posts.sql.gz",
    );
  });

  describe("for a managed MySQL", () => {
    const image = "mirror.example.com/mysql:9.7";
    const podSpec = { securityContext: { runAsNonRoot: true, runAsUser: 1000 }, volumes: [{ name: "secrets" }] };
    const container = { envFrom: [{ configMapRef: { name: "database" } }], volumeMounts: [{ name: "secrets" }] };
    const calls = () => project.calls("kubectl").map((call) => call.split(" ").slice(5, 7).join(" "));
    const start = [
      "get statefulset/mysql",
      "get deployment/koa-blog",
      "create --filename=-",
      "wait --for=condition=Ready",
    ];

    beforeEach(() => {
      const existing = { target: "existing", kubeContext: "ctx", registry: "registry.example.com/team" };
      const mysqlPassword = { secure: "encrypted" };
      project.configure({ ...existing, mysqlHost: "mysql.example.com", mysqlImage: image, mysqlPassword });
      const containers = [{ name: "koa-blog", readinessProbe: {}, lifecycle: {}, ...container }];
      const spec = { template: { spec: { ...podSpec, topologySpreadConstraints: [{}], containers } } };
      project.write("fakes/deployment.json", JSON.stringify({ spec }));
    });

    it("run in a temporary pod with the blog's settings", async () => {
      project.fake("kubectl", kubectl(client));
      const { status, output } = await project.run("backup", ["managed.sql.gz"]);
      assert.equal(status, 0, output);
      assert.deepEqual(calls(), [...start, "exec -i", "delete pod"]);
      const { metadata, spec } = JSON.parse(project.read("fakes/created.json")) as Record<string, { name: string }>;
      assert.match(metadata?.name ?? "", /^koa-blog-mysql-client-[0-9a-f]{6}$/);
      // Without the blog's labels, its Service sends no requests here.
      assert.deepEqual({ ...metadata, name: client }, { name: client, labels: { "app.kubernetes.io/name": client } });
      const containers = [{ ...container, name: "mysql", image, command: ["sleep", "infinity"] }];
      assert.deepEqual(spec, { ...podSpec, restartPolicy: "Never", activeDeadlineSeconds: 86_400, containers });
    });

    it("delete the pod after a failure", async () => {
      project.fake("kubectl", kubectl(client, { wait: "exit 1" }));
      await fails(/kubectl wait --for=condition=Ready failed\. See the output above/, "backup", "failed.sql.gz");
      assert.deepEqual(calls(), [...start, "delete pod"]);
    });

    it("leave no pod, no process in a pod and no file after Ctrl-C", async function () {
      await requireDocker.call(this);
      const server = await docker("run", "--detach", "--rm", "--entrypoint", "sleep", mysqlImage, "infinity");
      try {
        const realDocker = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
        const dump = `while [ "$1" != -- ]; do shift; done; shift; exec ${realDocker} exec -i ${server} "$@"`;
        project.fake("kubectl", kubectl(client, { dump }));
        project.write("db/backup.sh", "sleep 1000 | gzip");
        const processes = async () => (await docker("top", server)).split("\n").slice(1);
        const { child, ended } = project.start(["node", "--import", "tsx", "scripts/backup.ts", "new2.sql.gz"]);
        await until("the backup runs", 30, async () => (await processes()).some((line) => line.endsWith("sleep 1000")));
        process.kill(-Number(child.pid), "SIGINT");
        assert.equal((await ended).status, 1);
        assert.deepEqual(calls().slice(-2), ["exec -i", "delete pod"]);
        await until("its processes have ended", 30, async () => (await processes()).length === 1);
        assert.deepEqual([project.exists("new2.sql.gz"), project.exists("new2.sql.gz.part")], [false, false]);
      } finally {
        await docker("rm", "--force", server);
      }
    });
  });
});
