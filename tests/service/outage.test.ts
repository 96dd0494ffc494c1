import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { Knex } from "knex";

import type { Client, Reply } from "../client.ts";
import { migrateDatabase, type RunningBlog, serviceEnvironment, startBlog, useBlog } from "./blog.ts";
import { Proxy } from "./proxy.ts";
import { sharedMysql } from "./sharedMysql.ts";

/** The guaranteed response time of 2 s, and half a second for a busy machine. */
const LIMIT_MS = 2500;

describe("While MySQL is unavailable", function () {
  this.timeout(60_000);
  const suite = useBlog();
  let proxy: Proxy;
  let blog: RunningBlog;
  let client: Client;

  beforeEach(async () => {
    proxy = new Proxy(suite.database.MYSQL_PORT);
    await proxy.open();
    blog = await startBlog(serviceEnvironment({ ...suite.database, MYSQL_PORT: proxy.port }));
    client = blog.client();
    await client.login();
  });
  afterEach(async () => {
    await blog.stop();
    await proxy.close();
  });

  async function timed(request: () => Promise<Reply>): Promise<Reply & { ms: number }> {
    const start = performance.now();
    const reply = await request();
    return { ...reply, ms: Math.round(performance.now() - start) };
  }

  const post = { title: "written", body: "" };
  const reads = () => [() => client.get("/"), () => client.get("/1"), () => blog.client().get("/")];
  const writes = () => [
    () => client.post("/create", post),
    () => client.post("/1/update", post),
    () => client.post("/1/delete"),
    () => client.login(),
  ];

  async function assertUnavailable(requests: (() => Promise<Reply>)[]): Promise<number> {
    const replies = await Promise.all(requests.map(timed));
    for (const { status, text, headers, ms } of replies) {
      assert.equal(status, 503, text);
      assert.match(text, /The blog cannot answer right now\. Please try again in a moment\./);
      assert.equal(headers.get("retry-after"), "5");
      assert.ok(ms < LIMIT_MS, `answered after ${String(ms)} ms`);
    }
    return Math.max(...replies.map(({ ms }) => ms));
  }

  async function assertRecovers(): Promise<void> {
    const start = performance.now();
    while ((await client.get("/readyz")).status !== 200) {
      assert.ok(performance.now() - start < 10_000, "not ready again within 10 s");
      await sleep(100);
    }
    const { status, text } = await client.get("/");
    assert.equal(status, 200, text);
    assert.ok(text.includes("<span>test</span>"), "the session has survived");
    assert.ok(text.includes("test title"), "nothing was written");
    const { pool } = blog.db.client as { pool: { numUsed(): number } };
    assert.equal(pool.numUsed(), 0, "every connection is returned to the pool");
  }

  const states: [what: string, begin: () => unknown, end: () => unknown][] = [
    ["is stopped", () => proxy.close(), () => proxy.open()],
    ["does not answer", () => (proxy.silent = true), () => (proxy.silent = false)],
    ["answers after 2 s", () => (proxy.delay = 2000), () => (proxy.delay = 0)],
  ];
  for (const [what, begin, end] of states) {
    it(`pages answer 503 within 2 s if it ${what}, and recover`, async () => {
      await begin();
      await assertUnavailable([...reads(), ...writes()]);
      const [first, second] = reads().map(timed);
      // A reader who comes during another reader's query gets the next query.
      const later = sleep(300).then(() => assertUnavailable(reads()));
      assert.equal((await first)?.status, 503);
      assert.equal((await second)?.status, 503);
      await later;

      const ready = await timed(() => client.get("/readyz"));
      assert.equal(ready.status, 503);
      assert.match(ready.text, /"reason":"the database cannot be used","code":"[A-Z_]+"/);
      assert.ok(ready.ms < LIMIT_MS, `/readyz answered after ${String(ready.ms)} ms`);
      for (const path of ["/healthz", "/hello"]) assert.equal((await client.get(path)).status, 200);
      await end();
      await assertRecovers();
    });
  }

  it("60 readers at once get their 503 within 2 s, and connections do not accumulate", async () => {
    proxy.silent = true;
    await assertUnavailable(Array.from({ length: 60 }, () => () => blog.client().get("/")));
    proxy.silent = false;
    await assertRecovers();
    assert.ok(proxy.connections <= 6, `${String(proxy.connections)} connections are open`);
  });

  it("a stopped MySQL is noticed at once, and the page shows neither Log In nor Log Out", async () => {
    await proxy.close();
    assert.ok((await assertUnavailable(reads())) < 1000);
    assert.doesNotMatch((await client.get("/")).text, /Log (In|Out)/);
  });

  it("the blog starts without it, and serves when it is there", async () => {
    await proxy.close();
    const other = (await suite.startAnother({ MYSQL_PORT: proxy.port })).client().withCookies(client.cookies);
    assert.equal((await other.get("/")).status, 503);
    await proxy.open();
    assert.equal((await other.get("/")).status, 200);
  });

  const locks: [what: string, lock: (db: Knex) => Promise<unknown>, requests: () => (() => Promise<Reply>)[]][] = [
    ["a locked table", (db) => db.raw("LOCK TABLES post WRITE"), () => [...reads(), ...writes().slice(0, 3)]],
    ["a locked row", (db) => db.raw("SELECT * FROM user, post FOR UPDATE"), () => writes().slice(0, 3)],
    ["locked sessions", (db) => db.raw("LOCK TABLES session WRITE"), () => [reads()[0] ?? assert.fail(), ...writes()]],
  ];
  for (const [what, lock, requests] of locks) {
    it(`pages answer 503 within 2 s because of ${what}, and recover`, async () => {
      const holder = await suite.db.transaction();
      try {
        await lock(holder);
        await assertUnavailable(requests());
      } finally {
        await holder.raw("UNLOCK TABLES");
        await holder.rollback();
      }
      await assertRecovers();
    });
  }

  it("a locked post does not stop readers, or the update of another post", async () => {
    await suite.db("post").insert({ id: 2, author_id: 1, title: "second", body: "" });
    const holder = await suite.db.transaction();
    try {
      await holder.raw("SELECT * FROM post WHERE id = 1 FOR UPDATE");
      const waiting = Array.from({ length: 4 }, () => client.post("/1/update", post));
      await sleep(100);
      const replies = await Promise.all([client.get("/"), blog.client().get("/1"), client.post("/2/update", post)]);
      assert.deepEqual(
        replies.map(({ status }) => status),
        [200, 200, 302],
      );
      assert.deepEqual(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([503]));
    } finally {
      await holder.rollback();
    }
  });

  it("a write succeeds when its lock is released in time", async () => {
    const holder = await suite.db.transaction();
    await holder.raw("SELECT * FROM post WHERE id = 1 FOR UPDATE");
    const writing = client.post("/1/update", post);
    await sleep(300);
    await holder.rollback();
    assert.equal((await writing).location, "/");
    assert.deepEqual(await suite.db("post").pluck("title"), ["written"]);
  });

  for (const variable of ["read_only", "super_read_only"]) {
    it(`a MySQL with ${variable} answers reads, refuses writes with 503, and loses the connection`, async () => {
      const mysql = await sharedMysql();
      const connections = async () =>
        (await blog
          .db("information_schema.processlist")
          .pluck("id")
          .where("db", suite.database.MYSQL_DATABASE)) as number[];
      await mysql.root(`SET GLOBAL ${variable} = ON`);
      try {
        assert.equal((await client.get("/")).status, 200);
        const [[before]] = (await blog.db.raw("SELECT CONNECTION_ID() AS id")) as [[{ id: number }]];
        assert.ok((await connections()).includes(before.id));
        await assertUnavailable(writes().slice(0, 1));
        assert.ok(!(await connections()).includes(before.id), "the connection is dropped");
        await assertUnavailable(writes());
        const ready = await client.get("/readyz");
        assert.equal(ready.status, 503);
        assert.deepEqual(JSON.parse(ready.text), { status: "unavailable", reason: "the database is read-only" });
      } finally {
        await mysql.root("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF;");
      }
      await assertRecovers();
    });
  }

  it("a wrong password is a 503, and /readyz has its code", async () => {
    const other = (await suite.startAnother({ MYSQL_PASSWORD: "wrong" })).client();
    assert.equal((await other.get("/")).status, 503);
    assert.match((await other.get("/readyz")).text, /"code":"ER_ACCESS_DENIED_ERROR"/);
  });

  it("a database without tables is not ready, and the blog recovers after the migration", async () => {
    await suite.db.raw("RENAME TABLE knex_migrations TO saved_migrations, post TO saved_post");
    try {
      assert.equal((await client.get("/readyz")).status, 503);
    } finally {
      await suite.db.raw("RENAME TABLE saved_migrations TO knex_migrations, saved_post TO post");
    }
    assert.deepEqual(await migrateDatabase(suite.database), []);
    await assertRecovers();
  });
});
