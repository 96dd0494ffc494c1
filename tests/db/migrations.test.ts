import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import knex, { type Knex } from "knex";

import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrations } from "../../db/migrations/index.ts";
import { migrate, pendingMigrations } from "../../db/migrator.ts";
import { migrateDatabase, serviceEnvironment, startBlog, variables } from "./blog.ts";
import { spawnProgram } from "./process.ts";
import { useDatabase } from "./sharedMysql.ts";

const log = createLogger("silent");
const names = migrations.map(({ name }) => name);

/** Runs service/migrate.ts like the Job. */
async function runMigrate(environment: Record<string, string>) {
  const { exit, output } = spawnProgram("service/migrate.ts", environment);
  return { code: await exit, output: output() };
}

describe("The migrations", function () {
  this.timeout(120_000);
  const database = useDatabase();
  let db: Knex;
  /** The connection of a second migration. */
  let other: Knex;

  beforeEach("empty the database", async () => {
    db = knex(serviceKnexConfig(database(), log, 60_000));
    other = knex(migrationKnexConfig(database(), log));
    const [tables] = (await db.raw("SHOW TABLES")) as [Record<string, string>[]];
    const connection = await db.transaction();
    await connection.raw("SET FOREIGN_KEY_CHECKS = 0");
    for (const table of tables) await connection.raw("DROP TABLE ??", Object.values(table));
    await connection.raw("SET FOREIGN_KEY_CHECKS = 1");
    await connection.commit();
  });
  afterEach(() => Promise.all([db.destroy(), other.destroy()]));

  const environment = () => variables(database());

  async function schema(): Promise<string> {
    const statements = await Promise.all(
      ["user", "post", "session"].map(async (table) => {
        const [[row]] = (await db.raw("SHOW CREATE TABLE ??", [table])) as [[{ "Create Table": string }]];
        return row["Create Table"].replace(/ AUTO_INCREMENT=\d+/, "");
      }),
    );
    return statements.join("\n");
  }

  async function assertServes(): Promise<void> {
    const blog = await startBlog(serviceEnvironment(database()));
    try {
      assert.equal((await blog.client().get("/readyz")).status, 200);
      assert.equal((await blog.client().get("/")).status, 200);
    } finally {
      await blog.stop();
    }
  }

  it("create the tables in an empty database, in their order, and are recorded", async () => {
    await assert.rejects(pendingMigrations(db), { code: "ER_NO_SUCH_TABLE" });
    assert.deepEqual(await migrateDatabase(database()), names);
    assert.deepEqual(await db("knex_migrations").pluck("name").orderBy("id"), names);
    assert.deepEqual(await pendingMigrations(db), []);
    await assertServes();
  });

  it("do nothing when they run again", async () => {
    await migrateDatabase(database());
    const before = await schema();
    await db("user").insert({ username: "kept", password: "x" });
    assert.deepEqual(await migrateDatabase(database()), []);
    assert.equal(await schema(), before);
    assert.deepEqual(await db("user").pluck("username"), ["kept"]);
  });

  const originals = [
    {
      what: "with short names and long texts",
      user: "id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(50) UNIQUE NOT NULL, password VARCHAR(120) NOT NULL",
      post: `id INT AUTO_INCREMENT PRIMARY KEY, author_id INT NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        title VARCHAR(100) NOT NULL, body LONGTEXT NOT NULL, FOREIGN KEY (author_id) REFERENCES user (id)`,
      options: "",
    },
    {
      what: "as a schema builder makes them, unsigned and with texts",
      user: "id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, username VARCHAR(255) NOT NULL UNIQUE, password TEXT NOT NULL",
      post: `id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, author_id INT UNSIGNED NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        title TEXT NOT NULL, body TEXT NOT NULL, FOREIGN KEY (author_id) REFERENCES user (id)`,
      options: "",
    },
    {
      what: "in an old character set",
      user: "id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(50) UNIQUE NOT NULL, password VARCHAR(255) NOT NULL",
      post: `id INT AUTO_INCREMENT PRIMARY KEY, author_id INT NOT NULL, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        title VARCHAR(255) NOT NULL, body TEXT NOT NULL`,
      options: "CHARACTER SET latin1",
    },
  ];
  for (const { what, user, post, options } of originals) {
    it(`adopt the original's tables ${what}, with everybody and everything in them`, async () => {
      await db.raw(`CREATE TABLE user (${user}) ${options}`);
      await db.raw(`CREATE TABLE post (${post}) ${options}`);
      const password = "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f";
      await db("user").insert({ id: 7, username: "tést", password });
      await db("post").insert({ id: 9, author_id: 7, title: "Ä", body: "ö\nü", created: "2018-01-01 00:00:00" });

      assert.deepEqual(await migrateDatabase(database()), names);

      assert.deepEqual(await db("user").select("id", "username", "password"), [{ id: 7, username: "tést", password }]);
      const posts = await db("post").select("id", "author_id", "title", "body", "created");
      assert.deepEqual(posts, [{ id: 9, author_id: 7, title: "Ä", body: "ö\nü", created: "2018-01-01 00:00:00" }]);

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
      } finally {
        await blog.stop();
      }
    });
  }

  it("leave every post with an author, also those that another program writes", async () => {
    await migrateDatabase(database());
    for (const submission of [null, "x"]) {
      const post = { author_id: 99, title: "x", body: "x", submission };
      await assert.rejects(async () => db("post").insert(post), { code: "ER_NO_REFERENCED_ROW_2" });
    }
  });

  for (const [i, { name }] of migrations.entries()) {
    it(`can run again after a crash between ${name} and its record`, async () => {
      await migrateDatabase(database());
      const whole = await schema();
      await db("knex_migrations").whereIn("name", names.slice(i)).delete();
      assert.deepEqual(await migrateDatabase(database()), names.slice(i));
      assert.equal(await schema(), whole);
    });
  }

  it("go on where a crash has stopped them half-way through a step", async () => {
    await db.raw(
      "CREATE TABLE user (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(150) NOT NULL UNIQUE, password VARCHAR(255) NOT NULL)",
    );
    await migrateDatabase(database());
    await assertServes();
  });

  it("wait for each other when two run at once, and apply once", async () => {
    const runs = await Promise.all([runMigrate(environment()), runMigrate(environment()), runMigrate(environment())]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0, 0],
      runs.map(({ output }) => output).join("\n"),
    );
    assert.equal(runs.filter(({ output }) => output.includes("migrations applied")).length, 1);
    assert.deepEqual(await db("knex_migrations").pluck("name").orderBy("id"), names);
  });

  it("are not stopped by the lock that a killed run has left behind", async () => {
    await migrateDatabase(database());
    await db("knex_migrations_lock").update("is_locked", 1);
    await db("knex_migrations").where("name", names.at(-1)).delete();
    assert.deepEqual(await migrateDatabase(database()), names.slice(-1));
  });

  it("wait for the run that holds the lock, and go on when it is killed", async () => {
    const [[row]] = (await other.raw(
      "SELECT GET_LOCK(CONCAT('migrate:', SHA2(DATABASE(), 224)), 0) AS got, CONNECTION_ID() AS id",
    )) as [[{ got: number; id: number }]];
    assert.equal(row.got, 1);
    const waiting = migrateDatabase(database());
    assert.equal(await Promise.race([waiting, sleep(1000, "still waiting")]), "still waiting");
    await db.raw("KILL ?", [row.id]);
    assert.deepEqual(await waiting, names);
  });

  it("succeed with a schema that is newer than the code, and leave it alone", async () => {
    await migrateDatabase(database());
    await db("knex_migrations").insert({ name: "9999_of_the_next_version", batch: 9, migration_time: db.fn.now() });
    assert.deepEqual(await migrateDatabase(database()), []);
  });

  it("succeed beside the records of another program's migrations", async () => {
    await other.migrate.latest({
      migrationSource: {
        getMigrations: () => Promise.resolve(["20200101_tables.js"]),
        getMigrationName: (name: string) => name,
        getMigration: () => Promise.resolve({ up: () => Promise.resolve(), down: () => Promise.resolve() }),
      },
    });
    assert.deepEqual(await migrate(other, log), names);
  });

  it("run as a command, which tells in JSON lines what it has done", async () => {
    const { code, output } = await runMigrate(environment());
    assert.equal(code, 0, output);
    const last = JSON.parse(output.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
    assert.equal(last.message, "migrations applied");
    assert.deepEqual(last.applied, names);
    assert.ok(!output.includes(database().MYSQL_PASSWORD));
  });

  it("as a command wait for MySQL as long as they are told to, then fail with its error", async () => {
    const start = performance.now();
    const { code, output } = await runMigrate({ ...environment(), MYSQL_PORT: "1", MYSQL_WAIT: "2" });
    assert.equal(code, 1);
    assert.match(output, /"code":"ECONNREFUSED","message":"waiting for MySQL"/);
    assert.match(output, /"level":"fatal".+"code":"MIGRATION_FAILED".+ECONNREFUSED/);
    assert.ok(performance.now() - start >= 2000);
  });

  it("as a command report a wrong environment with its remedies", async () => {
    const { code, output } = await runMigrate({ MYSQL_WAIT: "long" });
    assert.equal(code, 1);
    for (const name of ["MYSQL_HOST", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_WAIT"]) {
      assert.match(output, new RegExp(`^ {2}${name} is (missing|not valid)\\. Set it to `, "m"));
    }
    assert.doesNotMatch(output, /SESSION_KEYS|^ {4}at /m);
  });
});
