import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import knex, { type Knex } from "knex";

import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { migrations } from "../../db/migrations/index.ts";
import { migrate, pendingMigrations } from "../../db/migrator.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase, serviceEnvironment, startBlog, variables } from "../service/blog.ts";
import { spawnProgram } from "../service/process.ts";
import { useDatabase } from "../service/sharedMysql.ts";

const log = createLogger("silent");
const names = migrations.map(({ name }) => name);

/** Runs service/migrate.ts like the Job. */
async function runMigrate(environment: Record<string, string>) {
  const { exit, output } = spawnProgram("service/migrate.ts", environment);
  return { code: await exit, output: output() };
}

describe("Migrations", function () {
  this.timeout(120_000);
  const database = useDatabase();
  let db: Knex;
  /** The connection of another program. */
  let other: Knex;

  const run = () => migrateDatabase(database());

  beforeEach("empty the database", async () => {
    db = knex(serviceKnexConfig(database(), log, 60_000));
    other = knex(migrationKnexConfig(database(), log));
    const [tables] = (await other.raw("SHOW TABLES")) as [Record<string, string>[]];
    await other.raw("SET FOREIGN_KEY_CHECKS = 0");
    for (const table of tables) await other.raw("DROP TABLE ??", Object.values(table));
    await other.raw("SET FOREIGN_KEY_CHECKS = 1");
  });
  afterEach(() => Promise.all([db.destroy(), other.destroy()]));

  /** The definitions of all tables. */
  async function schema(): Promise<string[]> {
    const definitions = [];
    for (const table of ["user", "post", "session", "rate_limit"]) {
      const [[row]] = (await db.raw("SHOW CREATE TABLE ??", [table])) as [[{ "Create Table": string }]];
      definitions.push(row["Create Table"].replace(/ AUTO_INCREMENT=\d+/, ""));
    }
    return definitions;
  }

  it("create the tables in an empty database, and change nothing in the second run", async () => {
    await assert.rejects(pendingMigrations(db), { code: "ER_NO_SUCH_TABLE" });
    assert.deepEqual(await run(), names);
    assert.deepEqual(await db("knex_migrations").pluck("name").orderBy("id"), names);
    const before = await schema();
    await db("user").insert({ username: "kept", password: "x" });
    assert.deepEqual(await run(), []);
    assert.deepEqual(await schema(), before);
    assert.deepEqual(await db("user").pluck("username"), ["kept"]);
  });

  const key = "AUTO_INCREMENT PRIMARY KEY";
  const created = "created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP";
  for (const [what, user, post, options] of [
    [
      "with short names and long texts",
      `id INT ${key}, username VARCHAR(50) UNIQUE NOT NULL, password VARCHAR(120) NOT NULL`,
      `id INT ${key}, author_id INT NOT NULL, ${created}, title VARCHAR(100) NOT NULL, body LONGTEXT NOT NULL,
        FOREIGN KEY (author_id) REFERENCES user (id)`,
      "",
    ],
    [
      "of a schema builder, with unsigned ids and TEXT columns",
      `id INT UNSIGNED ${key}, username VARCHAR(255) NOT NULL UNIQUE, password TEXT NOT NULL`,
      `id INT UNSIGNED ${key}, author_id INT UNSIGNED NOT NULL, ${created}, title TEXT NOT NULL, body TEXT NOT NULL,
        FOREIGN KEY (author_id) REFERENCES user (id)`,
      "",
    ],
    [
      "in latin1",
      `id INT ${key}, username VARCHAR(50) UNIQUE NOT NULL, password VARCHAR(255) NOT NULL`,
      `id INT ${key}, author_id INT NOT NULL, ${created}, title VARCHAR(255) NOT NULL, body TEXT NOT NULL`,
      "CHARACTER SET latin1",
    ],
  ] as const) {
    it(`adopt Flask's tables ${what}, with their users and posts`, async () => {
      await db.raw(`CREATE TABLE user (${user}) ${options}`);
      await db.raw(`CREATE TABLE post (${post}) ${options}`);
      const password = "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f";
      const users = [{ id: 7, username: "tést", password }];
      const posts = [{ id: 9, author_id: 7, title: "Ä", body: "ö\nü", created: "2018-01-01 00:00:00" }];
      await db("user").insert(users);
      await db("post").insert(posts);
      assert.deepEqual(await run(), names);
      assert.deepEqual(await db("user").select("id", "username", "password"), users);
      assert.deepEqual(await db("post").select("id", "author_id", "title", "body", "created"), posts);

      const blog = await startBlog(serviceEnvironment(database()));
      try {
        const client = blog.client();
        assert.equal((await client.login("tést", "test")).location, "/");
        assert.match((await db<{ password: string }>("user").first())?.password ?? "", /^scrypt:/);
        const form = { title: "🐟".repeat(127), body: "🐟".repeat(8_000) };
        assert.equal((await client.post("/9/update", form)).location, "/");
        assert.ok((await client.get("/")).text.includes("by tést on 2018-01-01"));
        const username = "x".repeat(150);
        assert.equal((await client.post("/auth/register", { username, password: "x" })).location, "/auth/login");
        assert.equal((await client.get("/readyz")).status, 200);
      } finally {
        await blog.stop();
      }
    });
  }

  it("keep the foreign key of posts, also for rows without a submission", async () => {
    await run();
    for (const submission of [null, "x"]) {
      const post = { author_id: 99, title: "x", body: "x", submission };
      await assert.rejects(async () => db("post").insert(post), { code: "ER_NO_REFERENCED_ROW_2" });
    }
  });

  it("keep the counters that pods of the former image use during a rollout", async () => {
    await run();
    assert.equal(await db.schema.hasTable("attempt"), true);
  });

  for (const [i, name] of names.entries()) {
    it(`run again after a crash between ${name} and its record`, async () => {
      await run();
      const complete = await schema();
      await db("knex_migrations").whereIn("name", names.slice(i)).delete();
      assert.deepEqual(await run(), names.slice(i));
      assert.deepEqual(await schema(), complete);
    });
  }

  it("continue after a crash between two statements of a migration", async () => {
    await run();
    const complete = await schema();
    await db("knex_migrations").delete();
    await db.raw("DROP TABLE post");
    await db.raw("ALTER TABLE user DROP COLUMN submission");
    assert.deepEqual(await run(), names);
    assert.deepEqual(await schema(), complete);
  });

  it("are applied once by three parallel runs", async () => {
    const runs = await Promise.all([1, 2, 3].map(() => runMigrate(variables(database()))));
    const output = runs.map((run) => run.output).join("\n");
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0, 0],
      output,
    );
    assert.equal(output.split("migrations applied").length, 2, output);
    assert.deepEqual(await db("knex_migrations").pluck("name").orderBy("id"), names);
  });

  it("ignore the lock row of a killed run", async () => {
    await run();
    await db("knex_migrations_lock").update("is_locked", 1);
    await db("knex_migrations").where("name", names.at(-1)).delete();
    assert.deepEqual(await run(), names.slice(-1));
  });

  it("wait for the run that holds the lock, and continue when it is killed", async () => {
    const [[row]] = (await other.raw(
      "SELECT GET_LOCK(CONCAT('migrate:', SHA2(DATABASE(), 224)), 0) AS got, CONNECTION_ID() AS id",
    )) as [[{ got: number; id: number }]];
    assert.equal(row.got, 1);
    const waiting = run();
    assert.equal(await Promise.race([waiting, sleep(1000, "still waiting")]), "still waiting");
    await db.raw("KILL ?", [row.id]);
    assert.deepEqual(await waiting, names);
  });

  it("accept a schema that is newer than the code", async () => {
    await run();
    await db("knex_migrations").insert({ name: "9999_of_the_next_version", batch: 9, migration_time: db.fn.now() });
    assert.deepEqual(await run(), []);
  });

  it("accept records of another program's migrations", async () => {
    await other.migrate.latest({
      migrationSource: {
        getMigrations: () => Promise.resolve(["20200101_tables.js"]),
        getMigrationName: (name: string) => name,
        getMigration: () => Promise.resolve({ up: () => Promise.resolve(), down: () => Promise.resolve() }),
      },
    });
    assert.deepEqual(await migrate(other, log), names);
  });

  it("run as a command, which logs the applied migrations without the password", async () => {
    const { code, output } = await runMigrate(variables(database()));
    assert.equal(code, 0, output);
    const last = JSON.parse(output.trim().split("\n").at(-1) ?? "") as { message: string; labels: object };
    assert.deepEqual([last.message, last.labels], ["migrations applied", { migrations: names }]);
    assert.ok(!output.includes(database().MYSQL_PASSWORD));
  });

  it("wait MYSQL_WAIT seconds for MySQL as a command, then exit with 1", async () => {
    const start = performance.now();
    const { code, output } = await runMigrate({ ...variables(database()), MYSQL_PORT: "1", MYSQL_WAIT: "2" });
    assert.equal(code, 1);
    assert.match(output, /"code":"ECONNREFUSED".*"message":"waiting for MySQL"/);
    assert.match(output, /"log.level":"fatal".+"code":"MIGRATION_FAILED".+ECONNREFUSED/);
    assert.ok(performance.now() - start >= 2000);
  });

  it("report a wrong environment as a command, without SESSION_KEYS and a stack trace", async () => {
    const { code, output } = await runMigrate({ MYSQL_WAIT: "long" });
    assert.equal(code, 1);
    for (const name of ["MYSQL_HOST", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_WAIT"]) {
      assert.match(output, new RegExp(`→ at ${name}$`, "m"));
    }
    assert.doesNotMatch(output, /SESSION_KEYS|^ {4}at /m);
  });
});
