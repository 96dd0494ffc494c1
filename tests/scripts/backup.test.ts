import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { migrate } from "../../db/migrator.ts";
import { createLogger } from "../../service/log.ts";
import { until } from "../e2e/checkout.ts";
import { docker } from "../service/docker.ts";
import { useMysql } from "../service/mysql.ts";
import { FakeProject } from "./fakeProject.ts";

const log = createLogger("silent");

/** The fields of a Deployment as Kubernetes returns them. */
const podSpec = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  imagePullSecrets: [{ name: "pull" }],
  securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
  volumes: [{ name: "secrets", projected: { sources: [{ secret: { name: "user" } }] } }],
  terminationGracePeriodSeconds: 35,
};
const container = {
  env: [{ name: "MYSQL_USER_FILE", value: "/run/secrets/koa-blog/MYSQL_USER" }],
  envFrom: [{ configMapRef: { name: "database" } }],
  resources: { limits: { memory: "384Mi" } },
  securityContext: { readOnlyRootFilesystem: true },
  volumeMounts: [{ name: "secrets", mountPath: "/run/secrets/koa-blog", readOnly: true }],
};

describe("The commands backup and restore", function () {
  this.timeout(120_000);
  const mysql = useMysql(() => ({}));
  let db: Knex;
  let project: FakeProject;

  before(async () => {
    db = knex(migrationKnexConfig(mysql().config, log));
    await migrate(db, log);
  });
  after(() => db.destroy());

  beforeEach(async () => {
    for (const table of ["session", "post", "user"]) await db(table).delete();
    await db("user").insert({ id: 1, username: "ada", password: "scrypt:…" });
    await db("post").insert({ id: 1, author_id: 1, title: "Ä", body: "🐟\n" });
    project = new FakeProject();
    project.configure({ clusterName: "fake" });
    project.fake("docker", inContainer("mysql-0", 'echo "statefulset.apps/mysql"'));
  });

  const realDocker = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  /** A fake that runs the command of `kubectl exec` in the container of MySQL. */
  const inContainer = (pod: string, statefulSet: string, variables = "") => `case "$*" in
*"get statefulset/mysql "*) ${statefulSet} ;;
*"get deployment/koa-blog "*) cat "$FAKES/deployment.json" ;;
*"create --filename=-") tee "$FAKES/created.json" >"$FAKES/pod.json" ;;
*"delete pod "*) rm "$FAKES/pod.json" ;;
*"wait "*) [ ! -e "$FAKES/unready" ] ;;
*"exec -i ${pod}"*" --container=mysql -- "*)
  while [ "$1" != -- ]; do shift; done
  shift
  exec ${realDocker} exec -i ${variables} ${mysql().container} "$@" ;;
esac`;
  const rows = async () => [await db("user").select(), await db("post").select()];
  const inPod = async () =>
    (await docker("top", mysql().container)).split("\n").filter((line) => !/mysqld\b/.test(line));
  const untilNoneInPod = () => until("the pod has only MySQL", 10, async () => (await inPod()).length === 1);
  const backup = async (file = "posts.sql.gz") => {
    const { status, output } = await project.run("backup", [file]);
    assert.equal(status, 0, output);
    return output;
  };
  /** Waits until Ctrl-C is due, presses it, and returns the output. */
  const interrupted = async (command: string, args: string[], isDue: () => Promise<boolean>) => {
    const { child, ended } = project.start(command, args);
    await until(`${command} is at work`, 30, isDue);
    process.kill(-(child.pid ?? 0), "SIGINT");
    const { status, output } = await ended;
    assert.equal(status, 1, output);
    return output;
  };

  it("restore every row of a file that only its owner may read", async () => {
    const before = await rows();
    const output = await backup();
    const path = join(project.folder, "posts.sql.gz");
    const { size, mode } = statSync(path);
    assert.match(
      output,
      new RegExp(`^Wrote ${String(size)} bytes to posts.sql.gz\n\n.* npm run restore -- posts.sql.gz\n$`),
    );
    assert.equal((mode & 0o777).toString(8), "600");
    await db("post").delete();
    await db("user").insert({ username: "new", password: "x" });
    const { status, output: restored } = await project.run("restore", ["posts.sql.gz", "--replace"]);
    assert.deepEqual([status, restored], [0, "Restored users: 1, posts: 1. All users must log in again.\n"]);
    assert.deepEqual(await rows(), before);
  });

  it("overwrite no file, and leave none of a truncated backup or of one that failed", async () => {
    project.write("posts.sql.gz", "present");
    const { status, output } = await project.run("backup", ["posts.sql.gz"]);
    assert.deepEqual([status, project.read("posts.sql.gz")], [1, "present"]);
    assert.match(output, /already exists. Choose another name/);

    project.write("new.sql.gz.part", "of a killed run");
    const whole = gzipSync("-- Backup of the blog, migrations:\n-- Dump completed\n");
    for (const [content, code, reason] of [
      [whole.subarray(0, -3), 0, /The backup is truncated/],
      [gzipSync("-- Backup of the blog, migrations:\n"), 0, /The backup is truncated/],
      [whole, 1, /The command in mysql-0 failed/],
    ] as const) {
      const output64 = content.toString("base64");
      const exec = `*" exec -i mysql-0 "*) echo ${output64} | base64 --decode; exit ${String(code)} ;;`;
      project.fake("docker", `case "$*" in *statefulset*) echo statefulset.apps/mysql ;; ${exec} esac`);
      const failed = await project.run("backup", ["new.sql.gz"]);
      assert.equal(failed.status, 1);
      assert.match(failed.output, reason);
      assert.deepEqual([project.exists("new.sql.gz"), project.exists("new.sql.gz.part")], [false, false]);
    }
  });

  it("always show why a restore is refused, however large the file is", async () => {
    await backup();
    const texts = Array.from({ length: 200_000 }, () => Math.random().toString(36)).join("\n");
    const text = gunzipSync(readFileSync(join(project.folder, "posts.sql.gz"))).toString();
    const [head = ""] = text.split("\n");
    for (const [name, content] of [
      ["large", `${head}\n-- ${texts}`],
      ["foreign", texts],
    ] as const) {
      execFileSync("sh", ["-c", 'gzip >"$0"', join(project.folder, name)], { input: content });
    }
    const before = await rows();
    for (let run = 0; run < 3; run += 1) {
      const large = await project.run("restore", ["large"]);
      assert.deepEqual(
        [large.status, large.output.includes("To replace all users and posts, add --replace.")],
        [1, true],
      );
      const foreign = await project.run("restore", ["foreign", "--replace"]);
      assert.deepEqual([foreign.status, foreign.output.includes("This is not a backup of the blog.")], [1, true]);
    }
    assert.deepEqual(await rows(), before);
  });

  it("name the file that cannot be read, and the right command if npm kept --replace for itself", async () => {
    const missing = await project.run("restore", ["missing.sql.gz"]);
    assert.equal(missing.status, 1);
    assert.match(missing.output, /^missing.sql.gz cannot be read: ENOENT/);
    const kept = await project.run("restore", ["a.sql.gz"], {
      ...{ npm_config_replace: "true", npm_lifecycle_event: "restore" },
    });
    assert.deepEqual(
      [kept.status, kept.output],
      [1, "npm kept --replace for itself. Run: npm run restore -- … --replace\n"],
    );
    assert.deepEqual(project.calls("docker"), []);
  });

  for (const command of ["backup", "restore"] as const) {
    it(`leave no process in the pod and change nothing after Ctrl-C during a ${command}`, async () => {
      await backup();
      const before = await rows();
      const locker = knex(migrationKnexConfig(mysql().config, log));
      try {
        // mysqldump waits for the table, and the restore for the row.
        if (command === "backup") await locker.raw("LOCK TABLES post WRITE");
        else {
          await locker.raw("START TRANSACTION");
          await locker.raw("SELECT * FROM post FOR UPDATE");
        }
        const file = command === "backup" ? ["new.sql.gz"] : ["posts.sql.gz", "--replace"];
        const program = command === "backup" ? /mysqldump --host/ : /mysql --host.* --binary-mode/;
        await interrupted(command, file, async () => (await inPod()).some((line) => program.test(line)));
        // A client of MySQL ends after its statement.
        if (command === "backup") await untilNoneInPod();
      } finally {
        await locker.destroy();
      }
      await untilNoneInPod();
      assert.deepEqual([project.exists("new.sql.gz"), project.exists("new.sql.gz.part")], [false, false]);
      assert.deepEqual(await rows(), before);
    });
  }

  describe("for a managed MySQL", () => {
    const existing = {
      target: "existing",
      kubeContext: "ctx",
      registry: "registry.example.com/team",
      mysqlHost: "127.0.0.1",
      mysqlImage: "mirror.example.com/mysql:9.7",
      mysqlPassword: { secure: "encrypted" },
    };
    const calls = () => project.calls("kubectl").map((call) => call.split(" ").slice(5, 7).join(" "));
    const temporary = ["get statefulset/mysql", "get deployment/koa-blog", "create --filename=-"];

    beforeEach(() => {
      project.configure(existing);
      const spec = {
        template: {
          spec: {
            ...podSpec,
            topologySpreadConstraints: [{}],
            containers: [{ name: "koa-blog", readinessProbe: {}, lifecycle: {}, ...container }],
          },
        },
      };
      project.write("fakes/deployment.json", JSON.stringify({ spec }));
      project.fake("kubectl", inContainer("koa-blog-mysql-client", ":", "--env MYSQL_HOST=127.0.0.1"));
    });

    it("run in a temporary pod with the blog's settings, and delete it", async () => {
      await project.run("backup");
      const pod = JSON.parse(project.read("fakes/created.json")) as { metadata: { name: string } };
      const { name } = pod.metadata;
      assert.match(name, /^koa-blog-mysql-client-[0-9a-f]{6}$/);
      assert.deepEqual(pod, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { "app.kubernetes.io/name": "koa-blog-mysql-client" } },
        spec: {
          ...podSpec,
          restartPolicy: "Never",
          activeDeadlineSeconds: 86_400,
          containers: [{ ...container, name: "mysql", image: existing.mysqlImage, command: ["sleep", "infinity"] }],
        },
      });
    });

    it("restore every row through the network, and delete the pod", async () => {
      const before = await rows();
      await backup();
      assert.deepEqual(calls(), [...temporary, "wait --for=condition=Ready", "exec -i", "delete pod"]);
      const { status, output } = await project.run("restore", ["posts.sql.gz", "--replace"]);
      assert.equal(status, 0, output);
      assert.deepEqual(await rows(), before);
      assert.equal(project.exists("fakes/pod.json"), false);
    });

    it("succeed if the pod cannot be deleted, and name it", async () => {
      project.fake(
        "kubectl",
        inContainer("koa-blog-mysql-client", ":", "--env MYSQL_HOST=127.0.0.1").replace("rm ", "false "),
      );
      assert.match(await backup(), /The pod koa-blog-mysql-client-\w+ was not deleted/);
    });

    it("delete the pod after a failure", async () => {
      project.write("fakes/unready", "");
      const { status, output } = await project.run("backup");
      assert.equal(status, 1);
      assert.match(output, /kubectl wait --for=condition=Ready failed\. See the output above/);
      assert.deepEqual(calls(), [...temporary, "wait --for=condition=Ready", "delete pod"]);
    });

    it("delete the pod after Ctrl-C", async () => {
      const locker = knex(migrationKnexConfig(mysql().config, log));
      try {
        await locker.raw("LOCK TABLES post WRITE");
        await interrupted("backup", [], async () => (await inPod()).some((line) => line.includes("mysqldump --host")));
        assert.deepEqual(calls().slice(-2), ["exec -i", "delete pod"]);
        await untilNoneInPod();
      } finally {
        await locker.destroy();
      }
    });
  });
});
