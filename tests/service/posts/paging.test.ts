import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

describe("The index", () => {
  const suite = useBlog();

  const range = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);

  async function readPage(path: string): Promise<{ posts: number[]; older: string | undefined }> {
    const { text } = await suite.client.get(path);
    const posts = [...text.matchAll(/>post-(\d+)\.<\/a>/g)].map(([, id]) => Number(id));
    return { posts, older: /<a href="([^"]+)">Older posts<\/a>/.exec(text)?.[1] };
  }

  it("has ten posts a page by time and id, and keeps its pages when a post comes or goes", async () => {
    const { db } = suite;
    await db("post").delete();
    const post = (id: number, year: number) => ({ id, title: `post-${String(id)}.`, created: `${String(year)}-01-01` });
    const rows = range(20, 1).map((id) => ({ ...post(id, id > 13 ? 2020 : 2021), author_id: 1, body: "" }));
    await db("post").insert(rows);
    const first = await readPage("/");
    assert.deepEqual(first.posts, range(13, 4));
    const second = { posts: [...range(3, 1), ...range(20, 14)], older: undefined };
    assert.deepEqual(await readPage(first.older ?? ""), second);
    await db("post").insert({ ...post(99, 2022), author_id: 1, body: "" });
    await db("post").where("id", 4).delete();
    assert.deepEqual(await readPage(first.older ?? ""), second);
  });

  it("reads a page by one query, and from the table's index", async () => {
    const { db, blog, client } = suite;
    const minutes = Array.from({ length: 3000 }, (_, i) => new Date(Date.UTC(2020, 0, 1) + i * 60_000));
    const times = minutes.map((time) => time.toISOString().slice(0, 19).replace("T", " "));
    const rows = times.map((created) => ({ author_id: 1, title: "t", body: "b", created }));
    await db.batchInsert("post", rows, 1000);
    await db.raw("ANALYZE TABLE post");
    const queries: { sql: string; bindings: string[] }[] = [];
    const record = (query: { sql: string; bindings: string[] }) => void queries.push(query);
    blog.db.on("query", record);
    await client.get("/?before=2020-01-02T12:00:00_1000");
    blog.db.removeListener("query", record);
    const [query, ...others] = queries;
    assert.ok(query && others.length === 0);
    type Plan = Record<string, string | number>;
    const [plan] = (await db.raw(`EXPLAIN FORMAT=TRADITIONAL ${query.sql}`, query.bindings)) as [Plan[]];
    const { type, key, Extra } = plan.find(({ table }) => table === "p") ?? {};
    assert.deepEqual([type, key], ["range", "post_created_id"]);
    assert.doesNotMatch(String(Extra), /filesort|temporary/);
  });

  it("answers 400 to a cursor that no link has, and 200 to any time of MySQL", async () => {
    for (const [before, status] of [
      ["", 400],
      ["2018-01-01T00:00:00_1x", 400],
      ["2018-02-31T00:00:00_1", 400],
      ["2018-01-01T00:00:00_1&before=2018-01-01T00:00:00_1", 400],
      ["0000-00-00T00:00:00_1", 200],
      ["2018-01-01T00:00:00.123456_4294967295", 200],
    ] as const) {
      assert.equal((await suite.client.get(`/?before=${before}`)).status, status, before);
    }
  });
});
