import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import { Client } from "../service/client.ts";
import { listeningPort, useService } from "../service/process.ts";
import { brokenRequest, hostileRequest, type Sender } from "./badRequests.ts";
import { Random } from "./random.ts";
import { sendRaw } from "./raw.ts";

const REQUESTS = 1000;
const AT_ONCE = 20;
const seed = Number(process.env.FUZZ_SEED ?? 1);

/** Paths of the code and messages of the database, which no answer may contain. */
const internals = /node_modules|\.ts:\d+|SELECT .+ FROM|ER_[A-Z]|root:x:/;

describe("A thousand bad requests", function () {
  this.timeout(300_000);
  const suite = useBlog();
  // Without the garbage collections, the resident memory includes up to 70 MiB of garbage.
  const server = useService(suite, { NODE_OPTIONS: "--expose-gc --import=data:text/javascript,setInterval(gc,1000)" });
  let sender: Sender;

  beforeEach(async () => {
    const { url } = server;
    // A login upgrades the author's hash.
    await new Client(url).login();
    const client = new Client(url);
    await client.login("other", "other");
    const [postId = 0] = await suite.db("post").insert({ title: "own", body: "own", author_id: 2 });
    sender = { cookie: client.cookieHeader, token: await client.token(), origin: url, postId };
  });

  async function residentMebibytes(): Promise<number> {
    const metricsPort = await listeningPort(server.service, "metricsPort");
    const text = await (await fetch(`http://127.0.0.1:${String(metricsPort)}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20;
  }

  /** Sends a thousand requests, half of them well-formed. Returns the number of requests per status. */
  async function attack(random: Random): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const one = async () => {
      const isHostile = random.below(2) === 0;
      const request = isHostile ? hostileRequest(random, sender) : brokenRequest(random);
      // An accepted form is answered within the request deadline.
      const { statuses, text } = await sendRaw(server.port, request, isHostile ? 5000 : 300);
      for (const status of statuses.length > 0 ? statuses : ["none"]) {
        const key = `${isHostile ? "hostile" : "broken"} ${String(status)}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const shown = request.subarray(0, 500).toString("latin1");
      assert.ok(
        statuses.every((status) => status < 500 || status === 503),
        `${shown}\n\n${text.slice(0, 500)}\n\n${server.service.output().slice(-3000)}`,
      );
      // Readers' own texts may contain anything.
      assert.doesNotMatch(text.replaceAll(/<p class="body">[^<]*<|value="[^"]*"/g, ""), internals, shown);
      if (isHostile) assert.equal(statuses.length, 1, `${shown}\n\n${text.slice(0, 500)}`);
    };
    for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    }
    return counts;
  }

  it("get no 500 and crash nothing, and leave what is not the sender's as it was", async () => {
    const rows = async () => [
      await suite.db("user").select().where("id", "<=", 2).orderBy("id"),
      await suite.db("post").select().where("author_id", "<>", 2),
    ];
    const before = await rows();
    const counts = await attack(new Random(seed));
    const sorted = [...counts].sort(([one], [other]) => one.localeCompare(other));
    console.log(`      seed ${String(seed)}: ${sorted.map(([key, count]) => `${key} × ${String(count)}`).join(", ")}`);
    const reached = sorted.filter(([key]) => /hostile (200|302|404)/.test(key)).reduce((sum, [, n]) => sum + n, 0);
    assert.ok(reached > REQUESTS / 4, "most requests end before the application");
    assert.equal(server.service.child.exitCode, null);
    assert.doesNotMatch(server.service.output(), /INTERNAL_ERROR|"level":"(error|fatal)"/);
    assert.deepEqual(await rows(), before);
    const client = new Client(server.url);
    assert.equal((await client.login()).location, "/");
    assert.equal((await client.get("/")).status, 200);
  });

  it("leave the memory as it was after the first thousand", async () => {
    const before = await residentMebibytes();
    const figures: number[] = [];
    for (let round = 2; round <= 4; round += 1) {
      await attack(new Random(seed * 1000 + round));
      figures.push(await residentMebibytes());
    }
    const after = figures.at(-1) ?? NaN;
    console.log(`      resident memory: ${[before, ...figures].map((figure) => figure.toFixed(0)).join(" → ")} MiB`);
    assert.ok(after < before + 24, `${before.toFixed(0)} → ${after.toFixed(0)} MiB`);
  });
});
