import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Reply } from "../client.ts";
import { listen } from "../listen.ts";
import { type RunningBlog, serviceEnvironment, startBlog, useBlog } from "./blog.ts";
import { sharedMysql } from "./sharedMysql.ts";

/** The guaranteed response time of 2 s, and half a second for a busy machine. */
const LIMIT_MS = 2500;

describe("While MySQL is unavailable", () => {
  const suite = useBlog();
  let blog: RunningBlog;
  let client: Client;

  /** A TCP proxy in front of MySQL. If it is silent, it accepts connections but forwards nothing. */
  const proxy = createServer((socket) => {
    const upstream = connect(suite.database.MYSQL_PORT, "127.0.0.1");
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      from.on("data", (data) => isSilent || to.write(data));
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const sockets = new Set<Socket>();
  let isSilent = false;
  let port = 0;

  function stopProxy(): void {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  }

  before(async () => {
    port = await listen(proxy);
    blog = await startBlog(serviceEnvironment({ ...suite.database, MYSQL_PORT: port }));
  });
  beforeEach(async () => {
    client = blog.client();
    await client.login();
  });
  after(async () => {
    await blog.stop();
    stopProxy();
  });

  type Request = () => Promise<Reply>;
  const post = { title: "written", body: "" };
  const reads: Request[] = [() => client.get("/"), () => client.get("/1"), () => blog.client().get("/")];
  const changes: Request[] = [
    () => client.post("/create", post),
    () => client.post("/1/update", post),
    () => client.post("/1/delete"),
  ];
  const writes: Request[] = [...changes, () => client.login()];

  async function within2s(request: Request): Promise<Reply> {
    const start = performance.now();
    const reply = await request();
    const ms = performance.now() - start;
    assert.ok(ms < LIMIT_MS, `answered after ${ms.toFixed(0)} ms`);
    return reply;
  }

  async function assertUnavailable(requests: Request[]): Promise<void> {
    for (const { status, text, headers } of await Promise.all(requests.map(within2s))) {
      assert.equal(status, 503, text);
      assert.match(text, /The blog cannot answer right now\. Please try again in a moment\./);
      assert.equal(headers.get("retry-after"), "5");
    }
  }

  async function assertRecovers(): Promise<void> {
    const deadline = performance.now() + 10_000;
    while ((await client.get("/readyz")).status !== 200) {
      assert.ok(performance.now() < deadline, "not ready again within 10 s");
      await sleep(100);
    }
    const { status, text } = await client.get("/");
    assert.equal(status, 200, text);
    assert.ok(text.includes("<span>test</span>"), "the session has survived");
    assert.ok(text.includes("test title"), "nothing was written");
    const { pool } = blog.db.client as { pool: { numUsed(): number } };
    assert.equal(pool.numUsed(), 0, "every connection is returned to the pool");
    assert.ok(sockets.size <= 6, `${String(sockets.size)} connections are open`);
  }

  for (const [what, begin, end] of [
    ["is stopped", stopProxy, () => proxy.listen(port, "127.0.0.1")],
    ["does not answer", () => (isSilent = true), () => (isSilent = false)],
  ] as const) {
    it(`pages and /readyz answer 503 within 2 s if it ${what}, and recover`, async () => {
      begin();
      try {
        const crowd = Array.from({ length: 20 }, (): Request => () => blog.client().get("/"));
        const all = assertUnavailable([...reads, ...writes, ...crowd]);
        // A reader who comes during another reader's query gets the next query.
        const late = sleep(300).then(() => assertUnavailable(reads));
        const [ready, page] = await Promise.all(["/readyz", "/1"].map((path) => within2s(() => client.get(path))));
        assert.equal(ready?.status, 503);
        assert.match(ready.text, /"reason":"the database cannot be used","code":"[A-Z_]+"/);
        // Whether the session exists is unknown.
        assert.doesNotMatch(page?.text ?? "", /Log (In|Out)/);
        // These need no session.
        for (const path of ["/healthz", "/hello", "/static/style.css"]) {
          assert.equal((await client.get(path)).status, 200, path);
        }
        await Promise.all([all, late]);
      } finally {
        end();
      }
      await assertRecovers();
    });
  }

  it("a locked post stops only changes of this post, which get 503 within 2 s", async () => {
    await suite.db("post").insert({ id: 2, author_id: 1, title: "second", body: "" });
    const holder = await suite.db.transaction();
    await holder.raw("SELECT * FROM post WHERE id = 1 FOR UPDATE");
    try {
      const waiting = assertUnavailable(Array.from({ length: 4 }, () => () => client.post("/1/update", post)));
      await sleep(100);
      const replies = [client.get("/"), blog.client().get("/1"), client.post("/2/update", post)];
      assert.deepEqual(await Promise.all(replies.map(async (reply) => (await reply).status)), [200, 200, 302]);
      await waiting;
    } finally {
      await holder.rollback();
    }
    await assertRecovers();
  });

  it("a read-only MySQL answers reads, refuses writes with 503, and loses the connection", async () => {
    const mysql = await sharedMysql();
    const other = await suite.startAnother();
    client = other.client().withCookies(client.cookies);
    const connection = async () => (await other.db.select({ id: other.db.raw("CONNECTION_ID()") })) as unknown;
    await mysql.root("SET GLOBAL super_read_only = ON");
    try {
      assert.equal((await client.get("/")).status, 200);
      const used = await connection();
      assert.deepEqual(await connection(), used);
      await assertUnavailable(changes.slice(0, 1));
      assert.notDeepEqual(await connection(), used);
      await assertUnavailable(writes);
      const { status, text } = await client.get("/readyz");
      assert.equal(status, 503);
      assert.deepEqual(JSON.parse(text), { status: "unavailable", reason: "the database is read-only" });
    } finally {
      await mysql.root("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF;");
    }
    await assertRecovers();
  });

  it("a wrong password is a 503, and /readyz has its code", async () => {
    const other = (await suite.startAnother({ MYSQL_PASSWORD: "wrong" })).client();
    assert.equal((await other.get("/")).status, 503);
    assert.match((await other.get("/readyz")).text, /"code":"ER_ACCESS_DENIED_ERROR"/);
  });
});
