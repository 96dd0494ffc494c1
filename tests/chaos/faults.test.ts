import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

import { answersOk, Client } from "../client.ts";
import { until } from "../until.ts";
import { Cluster, docker, shell } from "./cluster.ts";
import { Load, type Result } from "./load.ts";

const clusterName = "koa-blog-chaos-e2e";
/** Maximum response time in milliseconds, even while the database fails. */
const patience = 2000;
/**
 * The share of requests that may reach a lost pod after its Service has removed the endpoint. For two minutes,
 * conntrack sends a connection to the lost pod if it reuses the source port of an earlier one
 * (net.netfilter.nf_conntrack_tcp_timeout_syn_sent). All connections through a kind node's published port have the
 * source address of Docker's network. Some 400 of its 28,000 source ports are 1.4 %.
 */
const misled = 0.02;

/** One stack under load. The tests build on each other, so the first failure stops them. */
describe("Under 50 requests a second, the stack", () => {
  let cluster: Cluster;
  let writers = 0;
  const written: string[] = [];

  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const answers = () => answersOk(cluster.url, patience);

  /** The results of a load that begins before a fault and ends after it. */
  const under = async (fault: (load: Load) => Promise<void>, seconds = 5): Promise<Load> => {
    writers += 1;
    const load = await Load.start(cluster.url, `writer ${String(writers)} ${String(Date.now())}`);
    try {
      await sleep(3000);
      await fault(load);
      await sleep(seconds * 1000);
    } finally {
      await load.stop();
    }
    written.push(...load.acknowledged);
    const [p50, p99] = [load.percentile(0.5), load.percentile(0.99)];
    report(`${load.summary()}; p50 ${String(p50)} ms, p99 ${String(p99)} ms`);
    return load;
  };
  const assertNoneFailed = (load: Load) => {
    assert.deepEqual(load.failures, []);
  };
  /** Duration from the first failure to the last. */
  const outage = (failures: Result[]) => {
    const times = failures.map(({ at }) => at);
    return times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000;
  };
  /** While MySQL is unavailable, each answer is a fast 503 page with Retry-After. */
  const assertPolite = (load: Load) => {
    for (const failure of load.failures) {
      assert.equal(failure.outcome, 503, JSON.stringify(failure));
      assert.ok(Number(failure.retryAfter) > 0, JSON.stringify(failure));
      assert.ok(failure.ms < patience, JSON.stringify(failure));
    }
    report(`503 for ${outage(load.failures).toFixed(1)} s, the slowest after ${String(slowest(load.failures))} ms`);
  };
  const slowest = (results: Result[]) => Math.max(0, ...results.map(({ ms }) => ms));

  /** The content of a backup, with a row on each line. */
  const rows = (file: string): string[] =>
    gunzipSync(readFileSync(join(cluster.folder, file)))
      .toString()
      .replaceAll("),(", "),\n(")
      .split("\n");
  const assertAllWritten = async (file: string) => {
    await cluster.mustRun("backup", file);
    // A post begins with its ID, author, time and title. The load writes no quotes.
    const titles = rows(file).flatMap((row) => /\(\d+,\d+,'[^']*','([^']*)'/.exec(row)?.[1] ?? []);
    const there = new Set(titles);
    assert.deepEqual(
      written.filter((title) => !there.has(title)),
      [],
    );
    assert.equal(there.size, titles.length, "a post is there twice");
    report(`all of ${String(written.length)} acknowledged posts are there`);
  };
  const workerWithoutMysql = async () => {
    const taken = await cluster.nodeOf("mysql-0");
    return [`${clusterName}-worker`, `${clusterName}-worker2`].find((node) => node !== taken) ?? "";
  };
  const untilSpread = async () => {
    await cluster.untilRolledOut();
    await until("the blog is back on both workers", 60, async () => (await cluster.blogPods()).length === 2);
  };

  before(async function () {
    cluster = new Cluster(clusterName, 30428, { logging: false });
    const { seconds } = await cluster.mustRun("up");
    report(`up: ${seconds.toFixed(0)} s`);
  });

  after(async function () {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is none if it could not be made
    if (!cluster) return;
    if (this.currentTest?.isFailed()) {
      console.log(await cluster.ctl("get", "pods,events", "--output", "wide").catch(String));
    }
    await cluster.run("destroy", "--yes");
    cluster.remove();
  });

  it("answers all without a fault", async () => {
    assertNoneFailed(await under(async () => sleep(5000)));
  });

  it("fails no request when a pod is deleted", async () => {
    const [pod = ""] = await cluster.blogPods();
    assertNoneFailed(
      await under(async () => {
        await cluster.ctl("delete", "pod", pod);
        await untilSpread();
      }),
    );
  });

  it("fails what is in flight and a second of its pod's share when a pod's container is killed", async () => {
    const node = await workerWithoutMysql();
    const restarts = await cluster.restarts();
    let killed = 0;
    const { failures } = await under(async (load) => {
      killed = load.now;
      await docker("exec", node, "pkill", "-KILL", "-f", "^node service/server.ts");
      await sleep(5000);
      await untilSpread();
    });
    report(`${String(failures.length)} failed within ${(outage(failures) * 1000).toFixed(0)} ms`);
    assert.ok(failures.every(({ at }) => at > killed - 1000 && at < killed + 5000));
    // The pod gets half of 50 requests a second until the kubelet notices. It checks once a second.
    assert.ok(failures.length <= 60 && outage(failures) < 2.5, JSON.stringify(failures));
    assert.equal(await cluster.restarts(), restarts + 1);
  });

  it("fails no request when a worker is drained, and comes back to it", async () => {
    const node = await workerWithoutMysql();
    assertNoneFailed(
      await under(async () => {
        await cluster.ctl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s");
        await cluster.ctl("uncordon", node);
        await cluster.untilRolledOut();
      }),
    );
  });

  const rollouts: [what: string, change: () => Promise<void>][] = [
    [
      "another image",
      async () => {
        const path = "service/views/base.html";
        cluster.write(path, cluster.read(path).replace("</body>", "<!-- rolled --></body>"));
        await cluster.mustRun("up");
      },
    ],
    [
      "another ConfigMap",
      async () => {
        cluster.configure({ logLevel: "warn" });
        await cluster.mustRun("up");
      },
    ],
  ];
  for (const [what, change] of rollouts) {
    it(`fails no request while it takes ${what}`, async () => {
      const before = await cluster.blogPods();
      assertNoneFailed(await under(change));
      const pods = await cluster.blogPods();
      assert.deepEqual(
        pods.filter((pod) => before.includes(pod)),
        [],
      );
    });
  }

  const faultsOfMysql: [what: string, fault: () => Promise<unknown>][] = [
    ["its pod is deleted", () => cluster.ctl("delete", "pod", "mysql-0")],
    [
      "it is killed in the middle of writes",
      async () => docker("exec", await cluster.nodeOf("mysql-0"), "pkill", "-KILL", "-x", "mysqld"),
    ],
  ];
  for (const [what, fault] of faultsOfMysql) {
    it(`answers 503 while MySQL is away when ${what}, and has all that it took`, async () => {
      const restarts = await cluster.restarts();
      const load = await under(async () => {
        await fault();
        await until("MySQL is back", 120, answers);
      });
      assertPolite(load);
      assert.ok(load.failures.length > 0, "MySQL was never away");
      assert.ok(load.failures.every(({ at }) => at < load.now - 3000));
      assert.equal(await cluster.restarts(), restarts);
      await assertAllWritten(`${String(written.length)}.sql.gz`);
    });
  }

  const locks: [what: string, rows: (id: string) => string, failing: (load: Load) => Result[]][] = [
    ["a post", (id) => `WHERE id = ${id}`, ({ failures }) => failures],
    ["all posts", () => "", ({ failures }) => failures.filter(({ what }) => what === "read")],
  ];
  for (const [what, condition, failing] of locks) {
    it(`serves others while another transaction holds ${what}, and tells who wants to write to come again`, async () => {
      const author = new Client(cluster.url);
      const who = { username: `author of ${what}`, password: "correct horse battery" };
      await author.post("/auth/register", who);
      await author.post("/auth/login", who);
      await author.post("/create", { title: what, body: "" });
      const [, id = ""] = /href="\/(\d+)\/update"/.exec((await author.get("/")).text) ?? [];
      const sql = `START TRANSACTION; SELECT COUNT(*) FROM post ${condition(id)} FOR UPDATE; DO SLEEP(10); ROLLBACK`;
      const client = `MYSQL_PWD=$(cat "$MYSQL_PASSWORD_FILE") mysql -u"$MYSQL_USER" "$MYSQL_DATABASE" --execute '${sql}'`;
      const edits: Promise<[status: number, retryAfter: string | null, ms: number]>[] = [];
      const edit = async (): Promise<[number, string | null, number]> => {
        const start = Date.now();
        const { status, headers } = await author.post(`/${id}/update`, { title: what, body: "another" });
        return [status, headers.get("retry-after"), Date.now() - start];
      };
      const load = await under(async () => {
        const held = cluster.ctl("exec", "mysql-0", "--", "bash", "-c", client);
        await sleep(1500);
        for (let second = 0; second < 7; second += 1) {
          for (let i = 0; i < 15; i += 1) edits.push(edit());
          await sleep(1000);
        }
        await held;
      });
      assert.deepEqual(failing(load), []);
      assertPolite(load);
      for (const [status, retryAfter, ms] of await Promise.all(edits)) {
        assert.ok(status === 503 && Number(retryAfter) > 0 && ms < patience, JSON.stringify([status, retryAfter, ms]));
      }
      report(`${String(edits.length)} edits of the post: 503`);
      assert.equal((await edit())[0], 302);
    });
  }

  // This test is late, because conntrack entries of the lost pod would disturb others. An engine restart clears them.
  it("does without a worker that is stopped, once it is noticed, and takes it back", async () => {
    // Both pods may be on one worker.
    const [pod = ""] = await cluster.blogPods();
    await cluster.ctl("delete", "pod", pod);
    await untilSpread();
    const node = await workerWithoutMysql();
    let stopped = 0;
    const { failures, results } = await under(async (load) => {
      stopped = load.now;
      await docker("stop", node);
      await sleep(80_000);
      await docker("start", node);
      await cluster.ctl("wait", `node/${node}`, "--for=condition=Ready", "--timeout=120s");
      await sleep(15_000);
      await cluster.untilRolledOut();
    });
    // Kubernetes notices a stopped node after 40 s, and from 1.32 on after 50 s. It looks every 5 s.
    const noticed = stopped + 60_000;
    const first = failures.filter(({ at }) => at < noticed);
    const late = failures.filter(({ at }) => at >= noticed);
    report(`${String(first.length)} failed, for ${outage(first).toFixed(1)} s, and ${String(late.length)} later`);
    assert.ok(first.every(({ at }) => at > stopped - 1000));
    assert.ok(late.length <= misled * results.length, JSON.stringify(late));
  });

  it("comes back by itself, with all its data, when the Docker engine is restarted", async function () {
    const restartEngine = process.env.E2E_RESTART_ENGINE;
    if (!restartEngine) {
      console.log("      skipped: E2E_RESTART_ENGINE is no command, such as: sudo systemctl restart docker");
      this.skip();
    }
    const start = Date.now();
    await shell(restartEngine);
    await until("the blog answers", 300, answers);
    report(`answers ${((Date.now() - start) / 1000).toFixed(0)} s after the restart began`);
    await cluster.untilRolledOut();
    await assertAllWritten("restarted.sql.gz");
    await cluster.mustRun("preview", "--expect-no-changes");
  });

  it("is restored from a backup by another cluster, row by row", async () => {
    await cluster.mustRun("backup", "last.sql.gz");
    const before = rows("last.sql.gz");
    await cluster.mustRun("destroy", "--yes");
    await cluster.mustRun("up");
    await cluster.mustRun("restore", "last.sql.gz");
    await cluster.mustRun("backup", "restored.sql.gz");
    assert.deepEqual(rows("restored.sql.gz"), before);
    report(`${String(before.length)} rows`);
    assert.equal(await answers(), true);
  });
});
