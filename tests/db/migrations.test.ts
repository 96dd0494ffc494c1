import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { migrations } from "../../db/migrations/index.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase, variables } from "../service/blog.ts";
import { spawnProgram } from "../service/process.ts";
import { useDatabase } from "../service/sharedMysql.ts";

const names = migrations.map(({ name }) => name);
const tables = ["attempt", "knex_migrations", "knex_migrations_lock", "post", "rate_limit", "session", "user"];

describe("Migrations", function () {
  this.timeout(120_000);
  const database = useDatabase();
  let db: Knex;

  const run = () => migrateDatabase(database());

  before("connect", () => {
    db = knex(migrationKnexConfig(database(), createLogger("silent")));
  });
  after("disconnect", () => (db as Knex | undefined)?.destroy());
  beforeEach("empty the database", async () => {
    for (const table of ["post", ...tables]) await db.schema.dropTableIfExists(table);
  });

  /** The definition of each table. */
  async function schema(): Promise<Record<string, string>> {
    const definitions: Record<string, string> = {};
    const [rows] = (await db.raw("SHOW TABLES")) as [Record<string, string>[]];
    for (const [name = ""] of rows.map((row) => Object.values(row))) {
      const [[row]] = (await db.raw("SHOW CREATE TABLE ??", [name])) as [[{ "Create Table": string }]];
      definitions[name] = row["Create Table"].replace(/ AUTO_INCREMENT=\d+/, "");
    }
    return definitions;
  }

  it("create the tables once if three runs start at the same time", async () => {
    const applied = await Promise.all([run(), run(), run()]);
    assert.deepEqual(applied.flat(), names);
    // Pods of the previous image use the table attempt until a rollout ends.
    assert.deepEqual(Object.keys(await schema()), tables);
  });

  it("run again after a crash before, between and after the statements of each migration", async () => {
    await run();
    await db("user").insert({ id: 1, username: "kept", password: "x" });
    const complete = await schema();
    for (const i of names.keys()) {
      await db("knex_migrations").whereIn("name", names.slice(i)).delete();
      assert.deepEqual(await run(), names.slice(i));
      assert.deepEqual(await schema(), complete, names[i]);
    }
    await db("knex_migrations").delete();
    await db.raw("DROP TABLE post");
    await db.raw("ALTER TABLE user DROP COLUMN submission");
    await run();
    assert.deepEqual(await schema(), complete);
    assert.deepEqual(await db("user").pluck("username"), ["kept"]);
  });

  it("ignore the lock of a killed run, and the records of a newer version and of another program", async () => {
    await run();
    await db("knex_migrations_lock").update("is_locked", 1);
    await db("knex_migrations").where("name", names.at(-1)).delete();
    const others = ["20200101_of_another_program.js", "9999_of_a_newer_version"];
    await db("knex_migrations").insert(others.map((name) => ({ name, batch: 9, migration_time: db.fn.now() })));
    assert.deepEqual(await run(), names.slice(-1));
  });

  it("keep the foreign key of posts, also for rows without a submission", async () => {
    await run();
    const post = { author_id: 99, title: "x", body: "x", submission: null };
    await assert.rejects(async () => db("post").insert(post), { code: "ER_NO_REFERENCED_ROW_2" });
  });

  it("run as the Job, which exits with 1 if MySQL is missing for MYSQL_WAIT seconds", async () => {
    const runProgram = async (more: Record<string, string>) => {
      const start = performance.now();
      const { exit, output } = spawnProgram("service/migrate.ts", { ...variables(database()), ...more });
      return { code: await exit, output: output(), ms: performance.now() - start };
    };
    const [applied, missing] = await Promise.all([runProgram({}), runProgram({ MYSQL_PORT: "1", MYSQL_WAIT: "2" })]);
    assert.deepEqual([applied.code, missing.code], [0, 1]);
    assert.match(applied.output, /"migrations":\["0001_.*"message":"migrations applied"/);
    assert.ok(!applied.output.includes(database().MYSQL_PASSWORD));
    assert.ok(missing.ms >= 2000);
    assert.match(missing.output, /"code":"ECONNREFUSED".*"message":"waiting for MySQL"/);
    assert.match(missing.output, /"log.level":"fatal".+"code":"MIGRATION_FAILED".+ECONNREFUSED/);
  });
});
