import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";

import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../../db/knexConfig.ts";
import { migrations } from "../../db/migrations/index.ts";
import { migrate } from "../../db/migrator.ts";
import type { DatabaseVariables } from "../../db/variables.ts";
import { databaseSql } from "../../scripts/lib/privateMysql.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { createLogger } from "../../service/log.ts";
import { docker, dockerWithInput } from "../service/docker.ts";
import { type Mysql, useMysql } from "../service/mysql.ts";

const log = createLogger("silent");
const script = readFileSync(join(projectFolder, "db/backup.sh"), "utf8");
const names = migrations.map(({ name }) => name);
const newest = names.at(-1) ?? "";

/** Runs db/backup.sh in the container of MySQL for a database. */
async function backupSh(
  { container }: Mysql,
  database: DatabaseVariables,
  args: string[],
  input: Buffer | string = "",
  variables = {},
) {
  const passwordFile = `/tmp/password-${database.MYSQL_DATABASE}`;
  await dockerWithInput(database.MYSQL_PASSWORD, "exec", "-i", container, "sh", "-c", `cat >${passwordFile}`);
  const environment = Object.entries({
    MYSQL_DATABASE: database.MYSQL_DATABASE,
    MYSQL_USER: database.MYSQL_USER,
    MYSQL_PASSWORD_FILE: passwordFile,
    ...variables,
  }).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const child = spawn("docker", ["exec", "-i", ...environment, container, "bash", "-c", script, "backup.sh", ...args]);
  const ended = once(child, "close") as Promise<[number | null]>;
  // EPIPE would be a fault: the script reads all input, so that its reason arrives.
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([buffer(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

/** A migrated database for the calling suite, emptied before each test. */
function useMigrated(mysql: () => Mysql, name: string) {
  const database = (): DatabaseVariables => ({
    ...mysql().config,
    ...{ MYSQL_DATABASE: name, MYSQL_USER: name, MYSQL_PASSWORD: `password of ${name}` },
  });
  let db: Knex;

  before(async () => {
    await mysql().root(databaseSql(name, name, database().MYSQL_PASSWORD));
    db = knex(migrationKnexConfig(database(), log));
    await migrate(db, log);
  });
  after(() => db.destroy());
  beforeEach(async () => {
    for (const table of ["session", "rate_limit", "post", "user"]) await db(table).delete();
  });

  return {
    get db() {
      return db;
    },
    get database() {
      return database();
    },
    rows: async () => ({
      user: await db("user").select().orderBy("id"),
      post: await db("post").select().orderBy("id"),
    }),
    dump: async (variables = {}) => {
      const { status, stdout, stderr } = await backupSh(mysql(), database(), ["dump"], "", variables);
      assert.deepEqual([status, stderr], [0, ""]);
      return stdout;
    },
    load: (backup: Buffer | string, args: string[] = [], variables = {}) =>
      backupSh(mysql(), database(), ["load", ...args], backup, variables),
  };
}

describe("A backup", function () {
  this.timeout(120_000);
  const mysql = useMysql(() => ({}));
  const source = useMigrated(mysql, "source");
  const target = useMigrated(mysql, "target");

  beforeEach(async () => {
    await source.db("user").insert([
      { id: 1, username: "test", password: "pbkdf2:sha256:50000$TCI4GzcX$0de171a4" },
      { id: 2, username: "Ömer", password: "scrypt:32768:8:1$salt$key", submission: "a".repeat(64) },
    ]);
    const created = "2018-01-01 00:00:00";
    await source.db("post").insert({ id: 1, title: "test title", body: "test\nbody", author_id: 1, created });
  });

  /** Restores into the target. @returns what the script says */
  const restores = async (backup: Buffer, ...args: string[]) => {
    const { status, stdout, stderr } = await target.load(backup, args);
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout.toString();
  };

  /** Fails unless the script refuses the backup with this reason, and the target stays as it was. */
  const refused = async (backup: Buffer | string, reason: RegExp, ...args: string[]) => {
    const before = await target.rows();
    const { status, stderr } = await target.load(backup, args);
    assert.equal(status, 1, stderr);
    assert.match(stderr, reason);
    assert.match(stderr, /Nothing was changed/);
    assert.deepEqual(await target.rows(), before);
  };

  it("restores every row as it was, whatever text it holds", async () => {
    const texts = [
      "🐟 \0 \r\n \u2028 \u2029 \\ \" ' \t \x1a",
      "x".repeat(60_000),
      "",
      "-- Dump completed\n",
      "NULL;\n",
    ];
    await source.db("post").insert(texts.map((body, i) => ({ author_id: 2, title: `Post ${String(i)}`, body })));
    const before = await source.rows();
    assert.equal(await restores(await source.dump()), "Restored users: 2, posts: 6. All users must log in again.\n");
    assert.deepEqual(await target.rows(), before);
    // AUTO_INCREMENT continues after the restored ids.
    const [id = 0] = await target.db("post").insert({ author_id: 1, title: "t", body: "b" });
    assert.ok(id > 6);
  });

  it("has no sessions and no counters, and no statement that commits or is larger than 64 KiB", async () => {
    await source.db("session").insert({ id: "s".repeat(64), data: "{}", expires: "2038-01-01 00:00:00" });
    const posts = Array.from({ length: 500 }, (_, i) => ({ author_id: 1, title: String(i), body: "b".repeat(1000) }));
    await source.db("post").insert(posts);
    const lines = gunzipSync(await source.dump())
      .toString()
      .split("\n");
    assert.equal(lines.at(0), `-- Backup of the blog, migrations: ${names.join(" ")}`);
    assert.match(lines.at(1) ?? "", /^SET NAMES utf8mb4, time_zone = '\+00:00'/);
    assert.deepEqual(lines.slice(-2), ["-- Dump completed", ""]);
    const inserts = lines.slice(2, -2);
    assert.ok(inserts.length > 5 && inserts.every((line) => /^INSERT INTO `(user|post)` \(`id`, /.test(line)));
    assert.ok(inserts.every((line) => line.length <= 65_536));
  });

  for (const [written, read] of [
    ["+00:00", "+08:00"],
    ["+08:00", "+00:00"],
  ] as const) {
    it(`restores the same instants, written where the server's time zone is ${written} and read where it is ${read}`, async () => {
      const server = mysql();
      try {
        await server.root(`SET GLOBAL time_zone = '${written}'`);
        const backup = await source.dump();
        await server.root(`SET GLOBAL time_zone = '${read}'`);
        await restores(backup);
      } finally {
        await server.root("SET GLOBAL time_zone = DEFAULT");
      }
      assert.deepEqual(await target.rows(), await source.rows());
    });
  }

  it("names only the blog's migrations, also next to those of another program", async () => {
    const row = { name: "20200101_tables.js", batch: 9, migration_time: "2026-01-01 00:00:00" };
    await source.db("knex_migrations").insert(row);
    try {
      await restores(await source.dump());
    } finally {
      await source.db("knex_migrations").where("name", row.name).delete();
    }
  });

  it("replaces users only with --replace, and logs all users out", async () => {
    const backup = await source.dump();
    await target.db("user").insert({ id: 1, username: "present", password: "x" });
    await target.db("session").insert({ id: "s".repeat(64), data: "{}", expires: "2038-01-01 00:00:00" });
    await target.db("rate_limit").insert({ key: "login:a", points: 9, expire: 1 });
    await refused(backup, /already has users.*add --replace/);
    await restores(backup, "--replace");
    assert.deepEqual(await target.rows(), await source.rows());
    assert.deepEqual([await target.db("session"), await target.db("rate_limit")], [[], []]);
  });

  it("is refused, and nothing changes, if it is truncated, changed or something else", async () => {
    // More than a pipe holds, so a script that stops reading would break it.
    const posts = Array.from({ length: 100 }, () => ({ author_id: 1, title: "t", body: randomText(30_000) }));
    await source.db("post").insert(posts);
    await target.db("user").insert({ id: 7, username: "present", password: "x" });
    const backup = await source.dump();
    assert.ok(backup.length > 1_000_000);
    const lines = gunzipSync(backup).toString().split("\n");
    const of = (kept: string[]) => gzipSync(`${kept.join("\n")}\n`);
    const incomplete = /is truncated or was changed/;
    await refused("", /not a backup of the blog/, "--replace");
    await refused(randomText(2_000_000), /not a backup of the blog/, "--replace");
    await refused(gzipSync("-- MySQL dump 10.13\n".repeat(9)), /not a backup of the blog/, "--replace");
    await refused(of(lines.slice(1)), /not a backup of the blog/, "--replace");
    await refused(of(lines.slice(0, -2)), incomplete, "--replace");
    await refused(of([...lines.slice(0, -1), "SELECT 1;"]), incomplete, "--replace");
    for (const length of [500_000, backup.length - 1]) {
      await refused(backup.subarray(0, length), incomplete, "--replace");
    }
    const damaged = Buffer.from(backup);
    damaged.writeUInt32LE(0, backup.length - 8);
    await refused(damaged, incomplete, "--replace");
    const withoutUsers = of(lines.filter((line) => !line.startsWith("INSERT INTO `user`")).slice(0, -1));
    await refused(withoutUsers, /ERROR 1452 .*foreign key constraint fails[^]*MySQL refused the backup/, "--replace");
  });

  it("is refused, with the row's name, if two names differ only by case or accents", async () => {
    await source.db.raw("ALTER TABLE user MODIFY username VARCHAR(255) COLLATE utf8mb4_bin NOT NULL");
    try {
      await source.db("user").insert([
        { username: "ada", password: "x" },
        { username: "Ada", password: "x" },
      ]);
      await refused(
        await source.dump(),
        /Duplicate entry 'Ada' for key 'user.username'[^]*Rename one in the other blog/,
      );
    } finally {
      await source.db("user").where("username", "Ada").delete();
      await source.db.raw("ALTER TABLE user MODIFY username VARCHAR(255) COLLATE utf8mb4_0900_ai_ci NOT NULL");
    }
  });

  it("is refused by a database that lacks its migrations, and accepted by a newer one", async () => {
    const backup = await source.dump();
    await target.db("knex_migrations").where("name", newest).update("name", "9999_of_tomorrow");
    try {
      await refused(backup, new RegExp(`newer version with the migration ${newest}\\. Deploy that`));
    } finally {
      await target.db("knex_migrations").where("name", "9999_of_tomorrow").update("name", newest);
    }
    const older = gunzipSync(backup).toString().replace(` ${newest}\n`, "\n");
    assert.doesNotMatch(older, new RegExp(newest));
    await restores(gzipSync(older));
  });

  it("of adopted tables, which are wider, fits into new ones", async () => {
    const username = "ñ".repeat(255);
    await source.db("user").insert({ id: 3, username, password: "p".repeat(300) });
    const body = "🐟".repeat(20_000);
    await source.db("post").insert({ id: 2, author_id: 3, title: "t".repeat(60_000), body });
    await restores(await source.dump());
    assert.deepEqual(await target.rows(), await source.rows());
  });

  it("is of one moment, however much is written meanwhile, and shows the password to no other user", async () => {
    const posts = Array.from({ length: 1000 }, () => ({ author_id: 1, title: "t", body: randomText(20_000) }));
    for (let i = 0; i < 1000; i += 100) await source.db("post").insert(posts.slice(i, i + 100));
    const before = await source.rows();
    const dumping = source.dump();
    // Begins once mysqldump reads.
    for (;;) {
      const [list] = (await source.db.raw("SHOW FULL PROCESSLIST")) as [{ Info: string | null }[]];
      if (list.some(({ Info }) => Info?.includes("/*!40001 SQL_NO_CACHE */"))) break;
      await sleep(5);
    }
    const processes = await docker("top", mysql().container);
    assert.match(processes, /mysqldump --host=localhost/);
    assert.ok(!processes.includes(source.database.MYSQL_PASSWORD));
    await source.db("post").where("id", ">", 500).delete();
    await source.db("user").insert({ username: "late", password: "x" });
    await restores(await dumping);
    assert.deepEqual(await target.rows(), before);
  });

  it("goes through the network with a verified certificate, or is refused", async () => {
    const remote = { MYSQL_HOST: "127.0.0.1", MYSQL_PORT: "3306" };
    await restores(await source.dump(remote));
    const ca = { ...remote, MYSQL_CA_FILE: "/var/lib/mysql/ca.pem" };
    // MySQL's generated certificate has no host name.
    const { status, stderr } = await target.load(await source.dump(), ["--replace"], ca);
    assert.equal(status, 1);
    assert.match(stderr, /SSL connection error.*verif[^]*Nothing was changed/i);
  });

  it("explains its arguments", async () => {
    const { status, stderr } = await target.load(Buffer.alloc(0), ["--force"]);
    assert.deepEqual([status, stderr], [2, "Usage: backup.sh dump, or backup.sh load [--replace]\n"]);
  });
});

/** Text that gzip cannot make much smaller. */
function randomText(length: number): string {
  let result = "";
  while (result.length < length) result += Math.random().toString(36).slice(2);
  return result.slice(0, length);
}
