import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../client.ts";
import { kill } from "../e2e/checkout.ts";
import { Cluster, docker } from "./cluster.ts";

const clusterName = "koa-blog-kills-e2e";
const kills = Number(process.env.CHAOS_KILLS ?? 10);

/** One stack. The tests build on each other, so the first failure stops them. */
describe("A run that is killed with SIGKILL", () => {
  let cluster: Cluster;
  let expected: string[] = [];
  /** Seconds of an uninterrupted run, for a new stack and for a change. */
  const seconds = { anew: 0, changed: 0 };
  let revision = 0;

  const change = () => {
    revision += 1;
    const path = "service/views/base.html";
    cluster.write(path, cluster.read(path).replace(/<!-- \d+ -->|(?=<\/body>)/, `<!-- ${String(revision)} -->`));
    cluster.configure({ logLevel: revision % 2 ? "debug" : "info" });
  };
  /** All objects of the stack in the engine and in the cluster, without the generated parts of their names. */
  const objects = async (): Promise<string[]> => {
    const kinds = "namespaces,all,configmaps,secrets,serviceaccounts,pvc,networkpolicies,poddisruptionbudgets";
    const inCluster = await cluster.ctl("get", kinds, "--output", "name");
    const nodes = await docker("ps", "--all", "--format", "{{.Names}}", "--filter", `name=^${clusterName}`);
    return (
      [...inCluster.split("\n"), ...nodes.split("\n")]
        // Kubernetes keeps old ReplicaSets for a rollback, and old Jobs and pods for a while.
        .filter((name) => !/^(replicaset|job|pod\/koa-blog)/.test(name))
        .map((name) => name.replace(/-[0-9a-f]{8}$/, ""))
        .sort()
    );
  };
  const assertArrives = async (killed: string) => {
    const again = await cluster.mustRun("up");
    console.log(`      killed ${killed}; up after that: ${again.seconds.toFixed(0)} s`);
    await cluster.untilRolledOut();
    assert.equal((await new Client(cluster.url).get("/")).status, 200);
    assert.equal((await cluster.blogPods()).length, 2);
    assert.deepEqual(await objects(), expected);
    await cluster.mustRun("preview", "--expect-no-changes");
  };
  /** Kills a run at a random moment. If the run ended before, it is repeated with an earlier moment. */
  const killRun = async (kind: keyof typeof seconds, prepare: () => unknown): Promise<string> => {
    for (;;) {
      await prepare();
      const limit = seconds[kind];
      const time = 1 + Math.random() * (limit - 1);
      const begun = Date.now();
      const run = cluster.start("up");
      await Promise.race([sleep(time * 1000), new Promise((resolve) => run.once("close", resolve))]);
      if (run.exitCode === null) {
        await kill(run);
        return `after ${time.toFixed(1)} s of ${limit.toFixed(0)} s`;
      }
      assert.equal(run.exitCode, 0);
      seconds[kind] = (Date.now() - begun) / 1000;
    }
  };

  before(async () => {
    cluster = new Cluster(clusterName, 30429, { logging: false, workers: 1 });
    seconds.anew = (await cluster.mustRun("up")).seconds;
    change();
    seconds.changed = (await cluster.mustRun("up")).seconds;
    expected = await objects();
  });

  after(async () => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is none if it could not be made
    if (!cluster) return;
    await cluster.run("destroy", "--yes");
    cluster.remove();
  });

  for (let round = 1; round <= kills; round += 1) {
    if (round % 2) {
      it(`arrives when it is run again, and loses nothing (${String(round)}, with a change)`, async () => {
        const visitor = new Client(cluster.url);
        const who = { username: `user ${String(round)}`, password: "correct horse battery" };
        await visitor.post("/auth/register", who);
        await assertArrives(await killRun("changed", change));
        assert.equal((await visitor.post("/auth/login", who)).headers.get("location"), "/");
      });
    } else {
      it(`arrives when it is run again, and nothing is doubled (${String(round)}, from nothing)`, async () => {
        await assertArrives(await killRun("anew", () => cluster.mustRun("destroy", "--yes")));
      });
    }
  }
});
