import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { migrateDatabase, type RunningBlog, serviceEnvironment, startBlog, useBlog } from "./blog.ts";
import type { Client, Reply } from "./client.ts";
import { docker } from "./docker.ts";
import { Proxy } from "./proxy.ts";
import { sharedMysql } from "./sharedMysql.ts";

/** The guaranteed response time. SLACK_MS is for a busy machine. */
const LIMIT_MS = 2000;
const SLACK_MS = 500;

describe("While MySQL is away", function () {
  this.timeout(120_000);
  const suite = useBlog();
  let proxy: Proxy;
  let blog: RunningBlog;
  let client: Client;
  /** The cookie name contains the port, so all servers use one host. */
  const host = "blog.example:30423";

  beforeEach(async () => {
    proxy = new Proxy(suite.database.MYSQL_PORT);
    await proxy.open();
    blog = await startBlog(serviceEnvironment({ ...suite.database, MYSQL_PORT: proxy.port }));
    client = blog.client(host);
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

  async function assertUnavailable(): Promise<number> {
    const requests = [
      () => client.get("/"),
      () => client.get("/1/update"),
      () => client.post("/create", { title: "x", body: "x" }, { token: "x" }),
      () => blog.client().get("/"),
    ];
    const replies = await Promise.all(requests.map(timed));
    for (const { status, text, headers, ms } of replies) {
      assert.equal(status, 503, text);
      assert.ok(text.includes("The blog cannot answer right now."), text);
      assert.equal(headers.get("retry-after"), "5");
      assert.ok(ms < LIMIT_MS + SLACK_MS, `answered after ${String(ms)} ms`);
      assert.ok(!text.includes("Log Out"), text);
    }
    // Without the database, the login state of a session cookie is unknown. The page shows neither link.
    assert.ok(replies[0] && !replies[0].text.includes("Log In"));
    const ready = await timed(() => client.get("/readyz"));
    assert.equal(ready.status, 503);
    assert.ok(ready.ms < 1000 + SLACK_MS, `/readyz answered after ${String(ready.ms)} ms`);
    assert.equal((await client.get("/healthz")).status, 200);
    assert.equal((await client.get("/hello")).status, 200);
    return Math.max(...replies.map(({ ms }) => ms));
  }

  async function assertRecovers(): Promise<void> {
    const start = performance.now();
    while ((await client.get("/readyz")).status !== 200) {
      assert.ok(performance.now() - start < 10_000, "not ready again within 10 s");
      await sleep(100);
    }
    const reply = await client.get("/");
    assert.equal(reply.status, 200, reply.text);
    assert.ok(reply.text.includes("<span>test</span>"), "the session has survived");
  }

  it("because it has gone, pages answer 503 at once, and come back with it", async () => {
    await client.login();
    await proxy.close();
    const ms = await assertUnavailable();
    assert.ok(ms < 1000, `${String(ms)} ms although connections are refused`);
    await proxy.open();
    await assertRecovers();
  });

  it("because it was never there, the blog starts all the same, and serves once it comes", async () => {
    await client.login();
    const { cookies } = client;
    await blog.stop();
    await proxy.close();
    blog = await startBlog(serviceEnvironment({ ...suite.database, MYSQL_PORT: proxy.port }));
    client = blog.client(host).withCookies(cookies);
    await assertUnavailable();
    await proxy.open();
    await assertRecovers();
  });

  it("because it has fallen silent, pages answer 503 within 2 s, and come back with it", async () => {
    await client.login();
    proxy.silent = true;
    await assertUnavailable();
    // The pool discards hanging connections. Otherwise they would accumulate.
    await assertUnavailable();
    await sleep(2000);
    assert.ok(proxy.connections <= 1, `${String(proxy.connections)} connections are still open`);
    proxy.silent = false;
    await assertRecovers();
  });

  it("because it has fallen silent, many readers at once get their 503 within 2 s", async () => {
    await client.login();
    proxy.silent = true;
    const replies = await Promise.all(Array.from({ length: 60 }, () => timed(() => blog.client().get("/"))));
    for (const { status, ms } of replies) {
      assert.equal(status, 503);
      assert.ok(ms < LIMIT_MS + SLACK_MS, `answered after ${String(ms)} ms`);
    }
    proxy.silent = false;
    await assertRecovers();
  });

  it("because it is slow, a page that takes several queries answers 503 within 2 s", async () => {
    await client.login();
    proxy.delay = 1000;
    const { status, ms } = await timed(() => client.get("/"));
    assert.equal(status, 503);
    assert.ok(ms < LIMIT_MS + SLACK_MS, `answered after ${String(ms)} ms`);
    proxy.delay = 0;
    await assertRecovers();
  });

  it("because its container is paused, pages answer 503 within 2 s, and come back with it", async function () {
    const { container } = await sharedMysql();
    if (container === undefined) return this.skip();
    await client.login();
    await docker("pause", container);
    try {
      await assertUnavailable();
    } finally {
      await docker("unpause", container);
    }
    await assertRecovers();
  });

  it("because the password is wrong, pages answer 503, and the reason has a code in /readyz", async () => {
    const other = (await suite.startAnother({ MYSQL_PASSWORD: "wrong" })).client();
    assert.equal((await other.get("/")).status, 503);
    assert.deepEqual(JSON.parse((await other.get("/readyz")).text), {
      status: "unavailable",
      reason: "the database cannot be used",
      code: "ER_ACCESS_DENIED_ERROR",
    });
  });

  it("because its tables are not there yet, pages answer 503 until the migration has run", async () => {
    const { db } = suite;
    await client.login();
    await db.raw("SET FOREIGN_KEY_CHECKS = 0");
    await db.raw("RENAME TABLE knex_migrations TO saved_migrations, post TO saved_post");
    try {
      assert.equal((await client.get("/")).status, 503);
      assert.equal((await client.get("/readyz")).status, 503);
    } finally {
      await db.raw("RENAME TABLE saved_migrations TO knex_migrations, saved_post TO post");
    }
    assert.deepEqual(await migrateDatabase(suite.database), []);
    await assertRecovers();
  });
});
