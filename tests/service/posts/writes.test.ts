import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { Knex } from "knex";

import { useBlog } from "../blog.ts";
import type { Client, Reply } from "../client.ts";

describe("Writes to posts that wait for a lock", () => {
  const suite = useBlog();
  let lock: Knex.Transaction;
  let token: string;

  beforeEach(async () => {
    await suite.client.login();
    token = await suite.client.token();
    lock = await suite.db.transaction();
    await lock.raw("SELECT * FROM user, post FOR UPDATE");
  });
  afterEach(() => lock.rollback());

  const send = (client: Client, path: string): Promise<Reply> =>
    client.post(path, { title: "written", body: "" }, { token });
  const write = (client: Client) => ["/create", "/1/update", "/1/delete"].map((path) => send(client, path));

  async function timed<T>(work: () => Promise<T>): Promise<[result: T, ms: number]> {
    const start = performance.now();
    return [await work(), performance.now() - start];
  }

  it("leave readers their connections", async () => {
    const { client, blog } = suite;
    const writes = Array.from({ length: 5 }, () => write(client)).flat();
    await sleep(100);
    for (const reader of [client, blog.client()]) {
      const [reply, ms] = await timed(() => reader.get("/"));
      assert.equal(reply.status, 200);
      assert.ok(ms < 300, `${String(ms)} ms`);
    }
    await Promise.all(writes);
  });

  it("leave new posts a connection when they wait for the lock of one post", async () => {
    const { client } = suite;
    await lock.rollback();
    lock = await suite.db.transaction();
    await lock.raw("SELECT * FROM post WHERE id = 1 FOR UPDATE");
    const changes = Array.from({ length: 5 }, () => ["/1/update", "/1/delete"]).flat();
    const changing = changes.map((path) => send(client, path));
    await sleep(100);
    const [created, ms] = await timed(() => send(client, "/create"));
    assert.equal(created.status, 302);
    assert.ok(ms < 300, `${String(ms)} ms`);
    assert.deepEqual(new Set((await Promise.all(changing)).map(({ status }) => status)), new Set([503]));
  });

  it("are answered with 503 and the time to wait, in less than the deadline, and change nothing", async () => {
    const { client, db } = suite;
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ["/create", "/1/update", "/1/delete"])
        .flat()
        .map((path) => timed(() => send(client, path))),
    );
    for (const [{ status, headers }, ms] of answers) {
      assert.equal(status, 503);
      assert.equal(headers.get("retry-after"), "5");
      assert.ok(ms < 2000, `${String(ms)} ms`);
    }
    // A write may wait 1 s for a connection and 1 s for the lock. Its reader gets 503 after 1.5 s.
    await sleep(1000);
    await lock.rollback();
    await sleep(200);
    assert.deepEqual(await db("post").pluck("title"), ["test title"]);
  });

  it("are written once the lock is free", async () => {
    const { client, db } = suite;
    const writing = send(client, "/create");
    await sleep(300);
    await lock.rollback();
    assert.equal((await writing).location, "/");
    assert.deepEqual(await db("post").pluck("title").orderBy("id"), ["test title", "written"]);
  });
});
