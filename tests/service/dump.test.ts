import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import knex, { type Knex } from "knex";

import { dump, DumpError, restore } from "../../db/dump.ts";
import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrations } from "../../db/migrations/index.ts";
import { useBlog } from "./blog.ts";
import { sharedMysql } from "./sharedMysql.ts";

const log = createLogger("silent");

describe("A dump", () => {
  const suite = useBlog();
  let db: Knex;

  beforeEach(() => {
    db = knex(migrationKnexConfig(suite.database, log));
  });
  afterEach(async () => {
    await db.destroy();
  });

  const dumped = () => text(Readable.from(dump(db)));
  const restored = (content: string, replace = true) => restore(db, Readable.from([content]), { replace });
  const rows = async () => ({
    user: await suite.db("user").select().orderBy("id"),
    post: await suite.db("post").select().orderBy("id"),
  });
  const refused = async (content: string, message: RegExp, replace = true) => {
    const before = await rows();
    await assert.rejects(restored(content, replace), (error: Error) => {
      assert.ok(error instanceof DumpError, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(await rows(), before);
  };

  it("restores every row as it was, whatever text it holds", async () => {
    const texts = ["🐟 \0 \r\n \u2028 \u2029 \\ \" ' \t", "x".repeat(16_000), "", "]\n[", "NULL"];
    await suite.db("post").insert(texts.map((body, index) => ({ author_id: 2, title: `Post ${String(index)}`, body })));
    const before = await rows();
    assert.equal(before.post.length, 6);
    const content = await dumped();
    await suite.db("post").delete();
    await suite.db("user").update({ password: "another" });
    assert.deepEqual(await restored(content), { rows: 8 });
    assert.deepEqual(await rows(), before);
    // AUTO_INCREMENT continues after the restored ids.
    const [id = 0] = await suite.db("post").insert({ author_id: 1, title: "t", body: "b" });
    assert.ok(id > 6);
  });

  for (const [written, read] of [
    ["+00:00", "+08:00"],
    ["+08:00", "+00:00"],
  ] as const) {
    it(`restores the same instants, written where the server's time zone is ${written} and read where it is ${read}`, async () => {
      const server = await sharedMysql();
      const instants = () => server.root(`SELECT UNIX_TIMESTAMP(created) FROM ${suite.database.MYSQL_DATABASE}.post`);
      const before = await instants();
      const inZone = async <T>(zone: string, action: (database: Knex) => Promise<T>): Promise<T> => {
        await server.root(`SET GLOBAL time_zone = '${zone}'`);
        const database = knex(migrationKnexConfig(suite.database, log));
        try {
          return await action(database);
        } finally {
          await database.destroy();
          await server.root("SET GLOBAL time_zone = DEFAULT");
        }
      };
      const content = await inZone(written, (database) => text(Readable.from(dump(database))));
      await inZone(read, (database) => restore(database, Readable.from([content]), { replace: true }));
      assert.match(before, /^\d+$/);
      assert.equal(await instants(), before);
    });
  }

  it("is of one moment, however much is written meanwhile", async () => {
    await suite
      .db("post")
      .insert(Array.from({ length: 2000 }, (_, i) => ({ author_id: 1, title: String(i), body: "b" })));
    const before = await rows();
    const lines: string[] = [];
    for await (const line of dump(db)) {
      if (lines.length === 2) {
        await suite.db("user").insert({ username: "late", password: "x" });
        await suite.db("post").where("id", ">", 1).delete();
      }
      lines.push(line);
    }
    await restored(lines.join(""));
    assert.deepEqual(await rows(), before);
  });

  it("logs everybody out who was logged in before it was restored", async () => {
    const content = await dumped();
    await suite.client.login();
    await restored(content);
    assert.match((await suite.client.get("/")).text, /Log In/);
  });

  it("does not replace users without being told to", async () => {
    await refused(await dumped(), /already has users.*add --replace/, false);
    const content = await dumped();
    await suite.db("post").delete();
    await suite.db("user").delete();
    assert.deepEqual(await restored(content, false), { rows: 3 });
  });

  it("is refused, and nothing changes, if it is not whole or not what was written", async () => {
    const content = await dumped();
    const lines = content.split("\n").slice(0, -1);
    const without = (index: number) => `${lines.toSpliced(index, 1).join("\n")}\n`;
    await refused("", /not a dump of the blog/);
    await refused("-- MySQL dump 10.13\n", /not a dump of the blog/);
    await refused(without(0), /not a dump of the blog/);
    await refused(without(1), /Rows of the dump do not fit the database \(ER_NO_REFERENCED_ROW_2\)/);
    await refused(without(3), /incomplete or was changed/);
    await refused(without(lines.length - 1), /incomplete or was changed/);
    await refused(content.slice(0, content.length / 2), /incomplete|Line \d of the dump is not valid/);
    await refused(content.replace("test title", "another title"), /incomplete or was changed/);
    await refused(content + (lines[1] ?? ""), /lines after its last line/);
  });

  it("is refused if it is of a newer version, and accepted of an older one", async () => {
    const content = await dumped();
    const [head = "", ...rest] = content.split("\n");
    const withMigrations = (names: string[]) =>
      [JSON.stringify({ ...(JSON.parse(head) as object), migrations: names }), ...rest].join("\n");
    const names = migrations.map(({ name }) => name);
    await refused(withMigrations([...names, "9999_of_tomorrow"]), /newer version of the blog \(9999_of_tomorrow\)/);
    // The changed header passes the version check, and then fails the hash check.
    await refused(withMigrations(names.slice(0, -1)), /incomplete or was changed/);
  });

  it("is refused by a database that lacks migrations", async () => {
    const content = await dumped();
    const name = migrations.at(-1)?.name;
    await suite.db("knex_migrations").where({ name }).delete();
    try {
      await refused(content, new RegExp(`lacks migrations \\(${String(name)}\\)`));
    } finally {
      await suite.db("knex_migrations").insert({ name, batch: 1, migration_time: "2026-01-01 00:00:00" });
    }
  });
});
