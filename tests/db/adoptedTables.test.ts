import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase, serviceEnvironment, startBlog } from "../service/blog.ts";
import { useDatabase } from "../service/sharedMysql.ts";

const hash = "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f";

describe("Existing tables of Flask's blog", function () {
  this.timeout(60_000);
  const database = useDatabase();
  let db: Knex;

  before("connect", () => {
    db = knex(migrationKnexConfig(database(), createLogger("silent")));
  });
  after("disconnect", () => (db as Knex | undefined)?.destroy());

  /** Creates the tables, with one row each. */
  async function createTables(user: string, post: string, options = ""): Promise<void> {
    const others = ["session", "attempt", "rate_limit", "knex_migrations", "knex_migrations_lock"];
    for (const table of ["post", "user", ...others]) await db.schema.dropTableIfExists(table);
    await db.raw(`CREATE TABLE user (id INT AUTO_INCREMENT PRIMARY KEY, ${user}, UNIQUE (username)) ${options}`);
    await db.raw(`CREATE TABLE post (id INT AUTO_INCREMENT PRIMARY KEY, author_id INT NOT NULL,
      created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, ${post},
      FOREIGN KEY (author_id) REFERENCES user (id)) ${options}`);
    await db("user").insert({ id: 7, username: "tést", password: hash });
    await db("post").insert({ id: 9, author_id: 7, title: "Ä", body: "ö\nü", created: "2018-01-01 00:00:00" });
  }

  /** The types of username, password, title and body, with a collation that is not the default, and NULL. */
  async function columnTypes(): Promise<string> {
    const [[row]] = (await db.raw(`
      SELECT GROUP_CONCAT(CONCAT_WS(' ', column_type, NULLIF(collation_name, @@collation_database),
        IF(is_nullable = 'YES', 'NULL', NULL)) ORDER BY table_name DESC, ordinal_position SEPARATOR ', ') AS types
      FROM information_schema.columns
      WHERE table_schema = DATABASE() AND column_name IN ('username', 'password', 'title', 'body')`)) as [
      [{ types: string }],
    ];
    return row.types;
  }

  const shortNames = "username VARCHAR(150) NOT NULL, password VARCHAR(255) NOT NULL";
  const longNames = "username VARCHAR(255) NOT NULL, password VARCHAR(255) NOT NULL";
  const texts = "title VARCHAR(255) NOT NULL, body TEXT NOT NULL";
  const oldFormat = "ROW_FORMAT = COMPACT";
  const cases: [what: string, types: string, user: string, post: string, options?: string][] = [
    [
      "that are narrow become wide, and keep collation and NULL",
      "varchar(255) utf8mb4_bin, text, text NULL, longtext",
      "username VARCHAR(150) COLLATE utf8mb4_bin NOT NULL, password VARCHAR(120) NOT NULL",
      "title VARCHAR(255) NULL, body TEXT NOT NULL",
    ],
    ["in latin1 become utf8mb4", "varchar(255), text, text, longtext", shortNames, texts, "CHARACTER SET latin1"],
    ["keep an indexed column", "varchar(255), text, varchar(255), longtext", longNames, `${texts}, INDEX (title)`],
    ["stay in an old row format", "varchar(150), varchar(255), varchar(255), text", shortNames, texts, oldFormat],
  ];
  for (const [what, types, user, post, options] of cases) {
    it(`${what}, with all rows`, async () => {
      await createTables(user, post, options);
      const rows = async () => [
        await db("user").select("id", "username", "password"),
        await db("post").select("id", "author_id", "title", "body", "created"),
      ];
      const before = await rows();
      await migrateDatabase(database());
      assert.equal(await columnTypes(), types);
      assert.deepEqual(await rows(), before);
    });
  }

  it("are served with wider columns and longer rows than new tables have, id 0 and dates of zeros", async () => {
    const user = "username VARCHAR(500) NOT NULL, password MEDIUMTEXT NOT NULL";
    await createTables(user, "title LONGTEXT NOT NULL, body LONGTEXT NOT NULL");
    await db.raw("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
    await db("user").insert({ id: 0, username: "zero", password: hash });
    const zeros = { id: 0, author_id: 0, created: "0000-00-00 00:00:00", title: "0", body: "" };
    await db("post").insert([zeros, { id: 50, author_id: 7, title: "t".repeat(300), body: "b".repeat(70_000) }]);
    await db.raw("SET SESSION sql_mode = DEFAULT");
    await migrateDatabase(database());
    assert.equal(await columnTypes(), "varchar(500), mediumtext, longtext, longtext");
    const blog = await startBlog(serviceEnvironment(database()));
    try {
      const client = blog.client();
      const first = (await client.get("/")).text;
      assert.match(first, /b{70000}/);
      assert.match(first, /by zero on 0000-00-00/);
      assert.equal((await client.login("zero", "test")).status, 302);
      assert.equal((await client.post("/0/update", { title: "changed", body: "" })).status, 302);
      assert.match((await client.get("/0")).text, /changed/);
    } finally {
      await blog.stop();
    }
  });

  it("are refused before any change if two names would become equal, and the names are listed", async () => {
    await createTables(longNames, texts, "CHARACTER SET latin1 COLLATE latin1_bin");
    await db("user").insert(["test", "Bär", "Bar"].map((name) => ({ username: name, password: hash })));
    await assert.rejects(migrateDatabase(database()), /nothing was changed.*:\n {2}Bär, Bar\n {2}tést, test$/s);
    const [tables] = (await db.raw("SHOW TABLES")) as [object[]];
    assert.equal(tables.length, 2);
  });
});
