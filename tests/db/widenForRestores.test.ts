import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { up } from "../../db/migrations/0007_widen_for_restores.ts";
import { createLogger } from "../../service/log.ts";
import { useDatabase } from "../service/sharedMysql.ts";

describe("The migration that widens columns for restores", function () {
  this.timeout(60_000);
  const database = useDatabase();
  let db: Knex;

  before(() => {
    db = knex(migrationKnexConfig(database(), createLogger("silent")));
  });
  after(() => db.destroy());
  afterEach(() => db.raw("DROP TABLE post, user"));

  const columns = async () => {
    const [rows] = (await db.raw(`
      SELECT CONCAT_WS(' ', column_name, column_type, collation_name, is_nullable) AS text
      FROM information_schema.columns
      WHERE table_schema = DATABASE() AND collation_name IS NOT NULL ORDER BY table_name DESC, ordinal_position`)) as [
      { text: string }[],
    ];
    return rows.map(({ text }) => text);
  };
  const create = async (user: string, post: string, options = "") => {
    await db.raw(`CREATE TABLE user (id INT PRIMARY KEY, ${user}) ${options}`);
    await db.raw(`CREATE TABLE post (id INT PRIMARY KEY, ${post}) ${options}`);
  };

  it("widens columns of new tables, keeps their properties and rows, and can run again", async () => {
    await create(
      "username VARCHAR(150) COLLATE utf8mb4_bin NOT NULL UNIQUE, password VARCHAR(255) NOT NULL",
      "title VARCHAR(255), body TEXT NOT NULL",
    );
    await db("user").insert({ id: 1, username: "ada", password: "x" });
    await db("post").insert({ id: 1, title: "t", body: "🐟" });
    for (let run = 1; run <= 2; run += 1) {
      await up(db);
      assert.deepEqual(await columns(), [
        "username varchar(255) utf8mb4_bin NO",
        "password text utf8mb4_0900_ai_ci NO",
        "title text utf8mb4_0900_ai_ci YES",
        "body longtext utf8mb4_0900_ai_ci NO",
      ]);
    }
    assert.deepEqual(await db("post"), [{ id: 1, title: "t", body: "🐟" }]);
    await assert.rejects(async () => db("user").insert({ id: 2, username: "ada", password: "x" }), {
      code: "ER_DUP_ENTRY",
    });
  });

  it("makes no column narrower", async () => {
    await create(
      "username VARCHAR(500) NOT NULL UNIQUE, password MEDIUMTEXT NOT NULL",
      "title LONGTEXT NOT NULL, body LONGTEXT NOT NULL",
    );
    const before = await columns();
    await up(db);
    assert.deepEqual(await columns(), before);
  });

  it("leaves a column with an index, and a table in an old row format, as they are", async () => {
    await create(
      "username VARCHAR(150) NOT NULL UNIQUE, password VARCHAR(255) NOT NULL",
      "title VARCHAR(255) NOT NULL, body TEXT NOT NULL, INDEX (title(100))",
      "ROW_FORMAT = COMPACT",
    );
    const before = await columns();
    await up(db);
    assert.deepEqual(await columns(), before);
    await db.raw("ALTER TABLE post DROP INDEX title, ADD INDEX (title), ROW_FORMAT = DYNAMIC");
    await up(db);
    assert.deepEqual((await columns()).slice(2), [
      "title varchar(255) utf8mb4_0900_ai_ci NO",
      "body longtext utf8mb4_0900_ai_ci NO",
    ]);
  });
});
