import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";

import knex, { type Knex } from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { migrations } from "../../db/migrations/index.ts";
import type { DatabaseVariables } from "../../db/variables.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { createLogger } from "../../service/log.ts";
import { migrateDatabase } from "../service/blog.ts";
import { docker } from "../service/docker.ts";
import { sharedMysql, useDatabase } from "../service/sharedMysql.ts";

const script = readFileSync(join(projectFolder, "db/backup.sh"), "utf8");

/** Runs db/backup.sh in the container of MySQL. */
async function backupSh(
  database: DatabaseVariables,
  args: string[],
  input: Buffer | string,
  more: Record<string, string> = {},
) {
  const { MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD } = database;
  const MYSQL_PORT = String(database.MYSQL_PORT);
  const { container = "", root } = await sharedMysql();
  // The container has this folder at the same path.
  const MYSQL_PASSWORD_FILE = join(dirname(await root("SELECT @@datadir")), `password-of-${MYSQL_USER}`);
  writeFileSync(MYSQL_PASSWORD_FILE, MYSQL_PASSWORD);
  const login = { MYSQL_HOST: "127.0.0.1", MYSQL_PORT, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD_FILE };
  const variables = Object.entries({ ...login, ...more }).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const child = spawn("docker", ["exec", "-i", ...variables, container, "bash", "-c", script, "backup.sh", ...args]);
  child.stdin.end(input);
  const ended = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([buffer(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

/** A migrated database for the calling suite, emptied before each test. */
function useMigrated() {
  const database = useDatabase();
  let db: Knex;

  before("migrate the database", async function () {
    if ((await sharedMysql()).container === undefined) this.skip();
    await migrateDatabase(database());
    db = knex(serviceKnexConfig(database(), createLogger("silent"), 20_000));
  });
  after("disconnect", () => (db as Knex | undefined)?.destroy());
  beforeEach("empty the tables", async () => {
    for (const table of ["session", "rate_limit", "post", "user"]) await db(table).delete();
  });

  return {
    database,
    get db() {
      return db;
    },
    rows: () => Promise.all(["user", "post"].map((table) => db<object>(table).select().orderBy("id"))),
  };
}

/** Waits until a connection to this database waits for a lock. @returns the connection's id */
async function waiting(db: Knex): Promise<number> {
  for (;;) {
    const sql = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for%'";
    const [[row]] = (await db.raw(sql)) as [{ id: number }[]];
    if (row) return row.id;
    await sleep(20);
  }
}

describe("A backup", function () {
  this.timeout(60_000);
  const source = useMigrated();
  const target = useMigrated();

  beforeEach("write the source, and a session and an attempt into both", async () => {
    await source.db("user").insert([
      { id: 1, username: "test", password: "pbkdf2:sha256:50000$TCI4GzcX$0de171a4" },
      { id: 2, username: "Ömer", password: "scrypt:32768:8:1$salt$key", submission: "a".repeat(64) },
    ]);
    await source.db("post").insert({ id: 1, title: "t", body: "b", author_id: 1, created: "2018-01-01 00:00:00" });
    for (const { db } of [source, target]) {
      await db("session").insert({ id: "s".repeat(64), data: "{}", expires: "2038-01-01 00:00:00" });
      await db("rate_limit").insert({ key: "login:a", points: 9, expire: 1 });
    }
  });

  async function dump(): Promise<Buffer> {
    const { status, stdout, stderr } = await backupSh(source.database(), ["dump"], "");
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout;
  }

  /** Restores into the target, and compares all rows. */
  async function restores(backup: Buffer, expected: object[][], ...args: string[]): Promise<void> {
    const { status, stdout, stderr } = await backupSh(target.database(), ["load", ...args], backup);
    const [users = "", posts = ""] = expected.map(({ length }) => String(length));
    const message = `Restored users: ${users}, posts: ${posts}. All users must log in again.\n`;
    assert.deepEqual([status, stdout.toString(), stderr], [0, message, ""]);
    assert.deepEqual(await target.rows(), expected);
  }

  it("restores all rows, texts and times, also next to another program and in another time zone", async () => {
    const other = { name: "20200101_of_another_program.js", batch: 9, migration_time: "2026-01-01 00:00:00" };
    const { root } = await sharedMysql();
    const texts = ["🐟 \0 \r\n \u2028 \\ \" ' \t \x1a", "", "-- Dump completed\n", "NULL;\n", "🐟".repeat(20_000)];
    await source.db("user").insert({ id: 3, username: "ñ".repeat(255), password: "p".repeat(300) });
    await source.db("post").insert(texts.map((body) => ({ author_id: 3, title: "t".repeat(60_000), body })));
    await source.db("knex_migrations").insert(other);
    try {
      await root("SET GLOBAL time_zone = '+08:00'");
      const backup = await dump();
      await root("SET GLOBAL time_zone = '-05:00'");
      await restores(backup, await source.rows());
    } finally {
      await root("SET GLOBAL time_zone = DEFAULT");
      await source.db("knex_migrations").where("name", other.name).delete();
    }
  });

  it("of an older version replaces users only with --replace, and logs all users out", async () => {
    const sql = gunzipSync(await dump()).toString();
    const backup = gzipSync(sql.replace(` ${migrations.at(-1)?.name ?? ""}\n`, "\n"));
    await target.db("user").insert({ id: 1, username: "present", password: "x" });
    const before = await target.rows();
    const { status, stderr } = await backupSh(target.database(), ["load"], backup);
    assert.equal(status, 1);
    assert.match(stderr, /^Nothing was changed. The blog already has users.*add --replace/);
    assert.deepEqual(await target.rows(), before);

    await restores(backup, await source.rows(), "--replace");
    assert.deepEqual([await target.db("session"), await target.db("rate_limit")], [[], []]);
  });

  it("changes nothing if it is truncated, modified, newer or no backup, or if the server is not verified", async () => {
    await target.db("user").insert({ id: 7, username: "present", password: "x" });
    const before = [await target.rows(), await target.db("session")];
    const backup = await dump();
    const lines = gunzipSync(backup).toString().split("\n");
    const sql = (edit: (lines: string[]) => string[]) => gzipSync(edit([...lines]).join("\n"));
    const damaged = Buffer.from(backup);
    // The checksum stands 8 bytes before the end.
    damaged.writeUInt32LE(0, backup.length - 8);
    // MySQL's generated certificate has no host name.
    const authority = { MYSQL_CA_FILE: await (await sharedMysql()).root("SELECT CONCAT(@@datadir, 'ca.pem')") };
    const cases: [what: string, backup: Buffer | string, reason: RegExp, more?: Record<string, string>][] = [
      ["nothing", "", /not a backup of the blog/],
      ["a large file", randomBytes(2_000_000), /not a backup of the blog/],
      ["no first line", sql((all) => all.slice(1)), /not a backup of the blog/],
      ["no last line", sql((all) => all.slice(0, -2)), /truncated or was changed/],
      ["one more line", sql((all) => [...all.slice(0, -1), "SELECT 1;"]), /truncated or was changed/],
      ["no last byte", backup.subarray(0, -1), /truncated or was changed/],
      ["a wrong checksum", damaged, /truncated or was changed/],
      ["no users", sql((all) => all.filter((line) => !line.includes("`user`"))), /foreign key constraint fails/],
      ["equal names", sql((all) => all.map((line) => line.replace("Ömer", "TEST"))), /entry 'TEST'[^]*Rename one/],
      ["a newer migration", sql(([head = "", ...all]) => [`${head} 9999_new`, ...all]), /newer .* 9999_new\. Deploy/],
      ["a server of another name", backup, /SSL connection error.*verif/i, authority],
    ];
    for (const [what, modified, reason, more] of cases) {
      const { status, stderr } = await backupSh(target.database(), ["load", "--replace"], modified, more);
      assert.equal(status, 1, what);
      assert.match(stderr, reason, what);
      assert.match(stderr, /Nothing was changed/, what);
      assert.deepEqual([await target.rows(), await target.db("session")], before, what);
    }
  });

  it("is of one moment although the blog writes meanwhile, and shows the password to no other user", async () => {
    const before = await source.rows();
    const lock = await source.db.transaction();
    await lock.raw("LOCK TABLES user WRITE, post WRITE");
    const dumping = dump();
    await waiting(source.db);
    const processes = await docker("top", (await sharedMysql()).container ?? "");
    await lock("user").insert({ username: "late", password: "x" });
    await lock("post").delete();
    await lock.raw("UNLOCK TABLES");
    await lock.rollback();
    await restores(await dumping, before);
    assert.match(processes, /mysqldump --host=127.0.0.1/);
    assert.ok(!processes.includes(source.database().MYSQL_PASSWORD));
  });

  it("that loses its connection says that the restore may be complete or undone", async () => {
    const backup = await dump();
    const lock = await target.db.transaction();
    await lock.raw("LOCK TABLES session WRITE");
    const loading = backupSh(target.database(), ["load", "--replace"], backup);
    await target.db.raw("KILL ?", [await waiting(target.db)]);
    await lock.raw("UNLOCK TABLES");
    await lock.rollback();
    const { status, stderr } = await loading;
    assert.equal(status, 1);
    assert.match(stderr, /complete or undone. Run the same command again, with --replace/);
  });
});
