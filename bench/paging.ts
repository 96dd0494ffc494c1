// Compares the last page of a long blog by key, as in the blog, and by OFFSET, in turns.
import assert from "node:assert/strict";

import knex from "knex";

import { migrationKnexConfig } from "../db/knexConfig.ts";
import { createLogger } from "../service/log.ts";
import { migrate } from "../db/migrator.ts";
import { listPosts, type Page } from "../service/posts/posts.ts";
import { startMysql, untilReady } from "../tests/service/mysql.ts";

const posts = 50_000;
const rounds = 100;
const pageSize = 10;

const mysql = await startMysql();
const log = createLogger("silent");
const db = knex(migrationKnexConfig(mysql.config, log));
try {
  await untilReady(mysql);
  await migrate(db, log);
  await db("user").insert({ username: "bench", password: "" });
  const rows = Array.from({ length: posts }, (_, index) => ({
    author_id: 1,
    title: `Post ${String(index)}`,
    body: "",
  }));
  await db.batchInsert("post", rows, 1000);

  // The cursor of the page before the last one.
  const [last] = await byOffset(posts - pageSize - 1, 1);
  assert.ok(last);
  const times: Record<string, number[]> = { "by key": [], "by OFFSET": [] };
  for (let round = 0; round < rounds; round += 1) {
    const keyed: Page = await timed("by key", () => listPosts(db, last));
    const offset = await timed("by OFFSET", () => byOffset(posts - pageSize, pageSize));
    const ids = (page: { id: number }[]) => page.map(({ id }) => id);
    assert.deepEqual(ids(keyed.posts), ids(offset));
  }

  async function timed<T>(name: string, read: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const page = await read();
    times[name]?.push(performance.now() - start);
    return page;
  }

  console.log(`The last ${String(pageSize)} of ${String(posts)} posts, ${String(rounds)} rounds, in ms:`);
  for (const [name, values] of Object.entries(times)) {
    const sorted = values.sort((a, b) => a - b);
    const at = (share: number) => (sorted[Math.round((sorted.length - 1) * share)] ?? NaN).toFixed(2).padStart(8);
    console.log(`${name.padEnd(10)} minimum${at(0)}  median${at(0.5)}  maximum${at(1)}`);
  }
} finally {
  await db.destroy();
  await mysql.remove();
}

async function byOffset(offset: number, limit: number): Promise<{ id: number; created: string }[]> {
  return db("post AS p")
    .join("user AS u", "p.author_id", "u.id")
    .select("p.id", "p.author_id", "u.username", "p.created", "p.title", "p.body")
    .orderBy([
      { column: "p.created", order: "desc" },
      { column: "p.id", order: "desc" },
    ])
    .offset(offset)
    .limit(limit);
}
