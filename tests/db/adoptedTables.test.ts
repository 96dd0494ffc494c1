import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase, serviceEnvironment, startBlog } from "../service/blog.ts";
import { useDatabase } from "../service/sharedMysql.ts";

const hash = "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f";

interface Tables {
  id?: string;
  username: string;
  password?: string;
  title: string;
  body: string;
  options?: string;
}

describe("Existing tables of Flask's blog", function () {
  this.timeout(60_000);
  const database = useDatabase();
  let db: Knex;

  before("connect", () => {
    db = knex(migrationKnexConfig(database(), createLogger("silent")));
  });
  after("disconnect", () => db.destroy());

  /** Creates the tables, with the rows of Flask's tests. */
  async function createTables({ id = "INT", username, password = "VARCHAR(255)", title, body, options = "" }: Tables) {
    const others = ["session", "attempt", "rate_limit", "knex_migrations", "knex_migrations_lock"];
    for (const table of ["post", "user", ...others]) await db.schema.dropTableIfExists(table);
    await db.raw(`CREATE TABLE user (id ${id} AUTO_INCREMENT PRIMARY KEY, username ${username} NOT NULL UNIQUE,
      password ${password} NOT NULL) ${options}`);
    await db.raw(`CREATE TABLE post (id ${id} AUTO_INCREMENT PRIMARY KEY, author_id ${id} NOT NULL,
      created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, title ${title}, body ${body} NOT NULL,
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

  const latin1 = "CHARACTER SET latin1";
  const cases: [what: string, tables: Tables, types: string][] = [
    [
      "that are too narrow become wider, and keep collation and NULL",
      { username: "VARCHAR(150) COLLATE utf8mb4_bin", title: "VARCHAR(255) NULL", body: "TEXT" },
      "varchar(255) utf8mb4_bin, text, text NULL, longtext",
    ],
    [
      "in latin1 and with short columns become utf8mb4 and wide",
      { username: "VARCHAR(50)", password: "VARCHAR(120)", title: "VARCHAR(100)", body: "TEXT", options: latin1 },
      "varchar(255), text, text, longtext",
    ],
    [
      "that are wide stay as they are",
      { username: "VARCHAR(500)", password: "MEDIUMTEXT", title: "LONGTEXT NOT NULL", body: "LONGTEXT" },
      "varchar(500), mediumtext, longtext, longtext",
    ],
    [
      "with unsigned ids and an index keep the type of the indexed column",
      { id: "INT UNSIGNED", username: "VARCHAR(255)", title: "VARCHAR(255) NOT NULL, INDEX (title)", body: "TEXT" },
      "varchar(255), text, varchar(255), longtext",
    ],
    [
      "in an old row format stay as they are",
      { username: "VARCHAR(150)", title: "VARCHAR(255) NOT NULL", body: "TEXT", options: "ROW_FORMAT = COMPACT" },
      "varchar(150), varchar(255), varchar(255), text",
    ],
  ];
  for (const [what, tables, types] of cases) {
    it(`${what}, with all rows`, async () => {
      await createTables(tables);
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

  it("are served with id 0, dates of zeros, and rows that are longer than the forms allow", async () => {
    await createTables({ username: "VARCHAR(255)", title: "TEXT NOT NULL", body: "LONGTEXT" });
    await db.raw("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
    await db("user").insert({ id: 0, username: "zero", password: hash });
    const posts = Array.from({ length: 12 }, (_, id) => ({ id, title: `post ${String(id)}`, body: "x" }));
    const zeros = { author_id: 0, created: "0000-00-00 00:00:00" };
    await db("post").delete();
    await db("post").insert(posts.map((post) => ({ ...post, ...zeros })));
    await db("post").insert({ id: 50, author_id: 7, title: "t".repeat(300), body: "b".repeat(70_000) });
    await db.raw("SET SESSION sql_mode = DEFAULT");
    await migrateDatabase(database());
    const blog = await startBlog(serviceEnvironment(database()));
    try {
      const client = blog.client();
      const first = (await client.get("/")).text;
      assert.match(first, /b{70000}/);
      assert.match(first, /by zero on 0000-00-00/);
      const older = /href="(\/\?before=[^"]+)"/.exec(first)?.[1] ?? "";
      assert.match((await client.get(older)).text, />post 0</);
      assert.equal((await client.login("zero", "test")).status, 302);
      assert.equal((await client.post("/0/update", { title: "changed", body: "" })).status, 302);
      assert.match((await client.get("/0")).text, /changed/);
    } finally {
      await blog.stop();
    }
  });

  it("are refused before any change if two names would become equal, and the names are listed", async () => {
    const username = "VARCHAR(255) COLLATE latin1_bin";
    await createTables({ username, title: "TEXT", body: "TEXT", options: latin1 });
    await db("user").insert(["test", "Bär", "Bar"].map((name) => ({ username: name, password: hash })));
    await assert.rejects(migrateDatabase(database()), /nothing was changed.*:\n {2}Bär, Bar\n {2}tést, test$/s);
    const [tables] = (await db.raw("SHOW TABLES")) as [object[]];
    assert.equal(tables.length, 2);
  });
});
