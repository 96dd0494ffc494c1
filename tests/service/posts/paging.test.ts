import assert from "node:assert/strict";

import type { Knex } from "knex";

import type { Client } from "../../client.ts";
import { useBlog } from "../blog.ts";

describe("The index", () => {
  const suite = useBlog();

  /** Inserts a post for each time. Its title contains the position in the list. */
  async function insertPosts(times: readonly string[]): Promise<void> {
    await suite.db("post").delete();
    for (const [i, created] of times.entries()) {
      await suite.db("post").insert({ id: i + 1, author_id: 1, created, title: `post-${String(i + 1)}.`, body: "" });
    }
  }

  async function readPage(client: Client, path: string): Promise<{ posts: number[]; older: string | undefined }> {
    const { text, status } = await client.get(path);
    assert.equal(status, 200);
    return {
      posts: [...text.matchAll(/>post-(\d+)\.<\/a>/g)].map(([, id]) => Number(id)),
      older: /<a href="([^"]+)">Older posts<\/a>/.exec(text)?.[1],
    };
  }

  async function readAll(client: Client): Promise<number[][]> {
    const pages = [];
    for (let path: string | undefined = "/"; path !== undefined;) {
      const { posts, older } = await readPage(client, path);
      pages.push(posts);
      path = older;
    }
    return pages;
  }

  const range = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);

  const sameSecond = (count: number) => Array.from({ length: count }, () => "2020-01-01 12:00:00");
  const january = (days: number[]) => days.map((day) => `2020-01-${String(day).padStart(2, "0")} 12:00:00`);

  for (const [behaviour, times, pages] of [
    [
      "shows ten posts a page, newest first, with links to older posts",
      january(range(23, 1).reverse()),
      [range(23, 14), range(13, 4), range(3, 1)],
    ],
    ["has no empty last page", january(range(20, 1).reverse()), [range(20, 11), range(10, 1)]],
    ["orders posts of the same second by id", sameSecond(25), [range(25, 16), range(15, 6), range(5, 1)]],
    ["orders by time before id", january(range(20, 9)), [range(10, 1).reverse(), [11, 12]]],
  ] as const) {
    it(behaviour, async () => {
      await insertPosts(times);
      assert.deepEqual(await readAll(suite.client), pages);
    });
  }

  it("keeps its page of older posts while a post is written and the last one is deleted", async () => {
    const { client, db } = suite;
    await insertPosts(sameSecond(15));
    const { posts, older } = await readPage(client, "/");
    await db("post").insert({ author_id: 1, title: "post-99.", body: "" });
    await db("post").where("id", posts.at(-1)).delete();
    assert.deepEqual((await readPage(client, older ?? "")).posts, range(5, 1));
  });

  it("reads a page by one query, and from the table's index", async () => {
    const { db } = suite;
    await insertPosts([]);
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      author_id: 1,
      title: "t",
      body: "b",
      created: new Date(Date.UTC(2020, 0, 1) + i * 60_000).toISOString().slice(0, 19).replace("T", " "),
    }));
    await db.batchInsert("post", rows, 1000);
    await db.raw("ANALYZE TABLE post");
    const queries: { sql: string; bindings: unknown[] }[] = [];
    const record = (query: { sql: string; bindings: unknown[] }) => void queries.push(query);
    suite.blog.db.on("query", record);
    await suite.client.get("/?before=2020-01-02T12:00:00_1000");
    suite.blog.db.removeListener("query", record);
    const [query, ...others] = queries;
    assert.deepEqual(others, []);
    await db.transaction(async (connection) => {
      const before = await rowsRead(connection);
      await connection.raw(query?.sql ?? "", query?.bindings as string[]);
      const read = (await rowsRead(connection)) - before;
      assert.ok(read > 10 && read < 100, `${String(read)} rows read`);
    });
  });

  /** Number of rows that the connection has read. */
  async function rowsRead(connection: Knex): Promise<number> {
    const [status] = (await connection.raw("SHOW SESSION STATUS LIKE 'Handler_read%'")) as [{ Value: string }[]];
    return status.reduce((sum, { Value }) => sum + Number(Value), 0);
  }

  const cursor = "2018-01-01T00:00:00_1";
  for (const query of [
    ...["x", "1", "2018-01-01", "2018-01-01T00:00:00", "2018-01-01T00:00:00_1x", "", "%27"],
    ...["2018-02-31T00:00:00_1", "2018-01-01T24:00:00_1", "2018-01-01%2000:00:00_1", "2018-01-01T00:00:00_99999999999"],
    `${cursor}&before=${cursor}`,
  ]) {
    it(`answers 400 to /?before=${query}`, async () => {
      assert.equal((await suite.client.get(`/?before=${query}`)).status, 400);
    });
  }

  for (const query of ["0000-01-01T00:00:00_1", "9999-12-31T23:59:59_1", "2018-01-01T00:00:00.123456_4294967295"]) {
    it(`answers 200 to /?before=${query}`, async () => {
      assert.equal((await suite.client.get(`/?before=${query}`)).status, 200);
    });
  }
});
