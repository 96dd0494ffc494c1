import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase, serviceEnvironment, startBlog } from "../service/blog.ts";
import { useDatabase } from "../service/sharedMysql.ts";

const hash = "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f";

/** Odd rows that MySQL accepted in Flask's tables. */
describe("Tables of Flask's blog with odd rows", () => {
  const database = useDatabase();
  let db: Knex;

  async function createTables(username: string): Promise<void> {
    const statements = [
      "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
      "DROP TABLE IF EXISTS post, user, session, attempt, rate_limit, knex_migrations, knex_migrations_lock",
      `CREATE TABLE user (id INTEGER PRIMARY KEY AUTO_INCREMENT, username ${username} UNIQUE NOT NULL, password TEXT NOT NULL)`,
      `CREATE TABLE post (id INTEGER PRIMARY KEY AUTO_INCREMENT, author_id INTEGER NOT NULL,
        created DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, title TEXT NOT NULL, body LONGTEXT NOT NULL,
        FOREIGN KEY (author_id) REFERENCES user (id))`,
    ];
    await db.transaction(async (transaction) => {
      for (const statement of statements) await transaction.raw(statement);
      await transaction("user").insert([
        { id: 0, username: "test", password: hash },
        { id: 5, username: "Bär", password: hash },
      ]);
      const zero = Array.from({ length: 12 }, (_, id) => ({
        ...{ id, author_id: 0, created: "0000-00-00 00:00:00", title: `post ${String(id)}`, body: "x" },
      }));
      await transaction("post").insert([
        ...zero,
        { id: 50, author_id: 5, title: "t".repeat(300), body: "b".repeat(70_000) },
      ]);
      await transaction.raw("SET SESSION sql_mode = DEFAULT");
    });
  }

  before("connect", () => {
    db = knex({ ...serviceKnexConfig(database(), createLogger("silent"), 60_000), pool: { min: 0, max: 1 } });
  });
  after("disconnect", () => db.destroy());

  it("are migrated and served: id 0, zero dates, and rows wider than the forms allow", async () => {
    await createTables("VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    await migrateDatabase(database());
    const blog = await startBlog(serviceEnvironment(database()));
    try {
      const client = blog.client();
      const first = await client.get("/");
      assert.match(first.text, /b{70000}/);
      assert.match(first.text, /by test on 0000-00-00/);
      const older = /href="(\/\?before=[^"]+)"/.exec(first.text)?.[1] ?? "";
      assert.match((await client.get(older)).text, />post 0</);
      assert.equal((await client.get("/0")).status, 200);
      assert.equal((await client.login("test", "test")).status, 302);
      assert.equal((await client.post("/0/update", { title: "changed", body: "" })).status, 302);
      assert.match((await client.get("/0")).text, /changed/);
    } finally {
      await blog.stop();
    }
  });

  it("are refused before any change if two names would become equal, and the names are listed", async () => {
    await createTables("VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_bin");
    await db("user").insert([
      { id: 6, username: "Bar", password: hash },
      { id: 7, username: "TEST", password: hash },
    ]);
    await assert.rejects(migrateDatabase(database()), /nothing was changed.*:\n {2}Bär, Bar\n {2}test, TEST$/s);
    const [tables] = (await db.raw("SHOW TABLES")) as [object[]];
    assert.equal(tables.length, 2);

    await db("user").where("id", 6).update({ username: "Barbara" });
    await db("user").where("id", 7).update({ username: "tester" });
    await migrateDatabase(database());
    const [[row]] = (await db.raw("SHOW CREATE TABLE user")) as [[{ "Create Table": string }]];
    assert.match(row["Create Table"], /CHARSET=utf8mb4/);
  });
});
