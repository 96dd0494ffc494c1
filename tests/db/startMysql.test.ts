import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import knex from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { docker, requireDocker } from "../service/docker.ts";
import { type Mysql, type MysqlOptions, startMysql, untilReady } from "../service/mysql.ts";

const log = createLogger("silent");

describe("db/start-mysql.sh and db/schema.sql", function () {
  this.timeout(300_000);
  let volume: string;
  const started: Mysql[] = [];

  before(requireDocker);
  beforeEach(async () => {
    volume = `koa-blog-test-${randomBytes(6).toString("hex")}`;
    await docker("volume", "create", "--label", "koa-blog.test", volume);
  });
  afterEach(async () => {
    for (const mysql of started.splice(0)) await mysql.remove();
    await docker("volume", "rm", "--force", volume);
  });

  async function start(options: MysqlOptions = {}): Promise<Mysql> {
    const mysql = await startMysql({ data: ["--volume", `${volume}:/var/lib/mysql`], ...options });
    started.push(mysql);
    return mysql;
  }

  async function startReady(options: MysqlOptions = {}): Promise<Mysql> {
    const mysql = await start(options);
    await untilReady(mysql);
    return mysql;
  }

  /** Starts another MySQL with the data of a former one. */
  async function restart({ container }: Mysql, options: MysqlOptions = {}, how = "stop"): Promise<Mysql> {
    await docker(how, container);
    return startReady(options);
  }

  const shell = (mysql: Mysql, script: string) => docker("exec", mysql.container, "bash", "-c", script);

  /** Runs SQL as the user of the blog. */
  async function asBlog(mysql: Mysql, sql: string): Promise<unknown> {
    const db = knex(serviceKnexConfig(mysql.config, log, 20_000));
    try {
      return ((await db.raw(sql)) as [unknown])[0];
    } finally {
      await db.destroy();
    }
  }

  const code = (expected: string) => (error: { code?: string }) => error.code === expected;

  it("create the database and a user who can do everything in it, and nothing elsewhere", async () => {
    const mysql = await startReady({ database: "koa_blog", user: "flaskr" });
    await asBlog(mysql, "CREATE TABLE t (a INT)");
    assert.deepEqual(await asBlog(mysql, "SELECT @@character_set_database AS cs, @@collation_database AS co"), [
      { cs: "utf8mb4", co: "utf8mb4_0900_ai_ci" },
    ]);
    for (const sql of ["CREATE DATABASE koaxblog", "CREATE DATABASE other", "SELECT * FROM mysql.user"]) {
      await assert.rejects(asBlog(mysql, sql), /denied/, sql);
    }
    assert.equal(await mysql.root("SELECT host FROM mysql.user WHERE user = 'root'"), "localhost");
  });

  it("take any characters in names and passwords", async () => {
    const mysql = await startReady({
      database: "we_ird`%db",
      user: "o'\\blog",
      password: `p'"\\\`$(id)%;--\t🐟`,
      rootPassword: "r`$(id)%;--#🐟",
    });
    assert.deepEqual(await asBlog(mysql, "SELECT DATABASE() AS name"), [{ name: "we_ird`%db" }]);
    assert.equal(await mysql.root("SELECT CURRENT_USER()"), "root@localhost");
  });

  it("give user and root new passwords with a restart, and keep the data", async () => {
    const first = await startReady();
    await asBlog(first, "CREATE TABLE t AS SELECT 42 AS answer");
    const second = await restart(first);
    assert.deepEqual(await asBlog(second, "SELECT answer FROM t"), [{ answer: 42 }]);
    assert.equal(await second.root("SELECT 1"), "1");
    const oldPassword = { ...second, config: { ...second.config, MYSQL_PASSWORD: first.config.MYSQL_PASSWORD } };
    await assert.rejects(asBlog(oldPassword, "SELECT 1"), code("ER_ACCESS_DENIED_ERROR"));
  });

  it("take back rights that the user has got besides", async () => {
    const first = await startReady();
    await first.root("CREATE DATABASE other; GRANT ALL ON other.* TO koa_blog; GRANT SELECT ON *.* TO koa_blog;");
    const second = await restart(first);
    await assert.rejects(asBlog(second, "SELECT * FROM mysql.user"), /denied/);
    await assert.rejects(asBlog(second, "CREATE TABLE other.t (a INT)"), /denied/);
  });

  it("drop the accounts of former user names, and no others", async () => {
    const database = "we_ird`%db";
    const first = await startReady({ database, user: "o'\\blog" });
    await asBlog(first, "CREATE TABLE t AS SELECT 42 AS answer");
    await first.root("CREATE USER team IDENTIFIED BY 'secret'; GRANT ALL ON `we\\_ird``\\%db`.* TO team");
    const users = (mysql: Mysql) =>
      mysql.root("SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY user");
    const as = (MYSQL_USER: string, MYSQL_PASSWORD: string, mysql: Mysql) =>
      asBlog({ ...mysql, config: { ...mysql.config, MYSQL_USER, MYSQL_PASSWORD } }, "SELECT answer FROM t");

    const second = await restart(first, { database, user: "koa_blog" });
    assert.deepEqual(await asBlog(second, "SELECT answer FROM t"), [{ answer: 42 }]);
    await assert.rejects(as("o'\\blog", first.config.MYSQL_PASSWORD, second), code("ER_ACCESS_DENIED_ERROR"));
    assert.deepEqual(await as("team", "secret", second), [{ answer: 42 }]);
    assert.equal(await users(second), "koa_blog\nroot\nteam");

    // Two at once, whose names need quoting.
    await second.root(`CREATE USER 'left', "le'ft" ATTRIBUTE '{"createdBy": "koa-blog"}'`);
    const third = await restart(second, { database, user: "o'\\blog" });
    assert.deepEqual(await asBlog(third, "SELECT answer FROM t"), [{ answer: 42 }]);
    assert.equal(await users(third), "o'\\blog\nroot\nteam");
  });

  for (const { when, seen } of [
    {
      when: "as soon as the data directory has been begun",
      seen: async (mysql: Mysql) => (await shell(mysql, "ls /var/lib/mysql")).includes("mysql"),
    },
    {
      when: "between the tables' creation and the users'",
      seen: async (mysql: Mysql) => (await docker("logs", mysql.container)).includes("Initialization - end"),
    },
  ]) {
    it(`start over after the first start was killed ${when}`, async () => {
      const first = await start();
      while (!(await seen(first))) await sleep(50);
      await docker("kill", first.container);
      const log_ = await docker("logs", first.container);
      assert.ok(!log_.includes("init process done"), "killed too late to test anything");

      const second = await startReady();
      assert.match(await docker("logs", second.container), /the first initialization was interrupted/);
      assert.deepEqual(await asBlog(second, "SELECT DATABASE() AS name"), [{ name: "koa_blog" }]);
      assert.equal(await second.root("SELECT 1"), "1");
    });
  }

  it("heal a data directory that was initialized, but without user and database", async () => {
    const first = await startReady();
    await first.root("DROP DATABASE koa_blog; DROP USER koa_blog;");
    const second = await restart(first);
    assert.deepEqual(await asBlog(second, "SELECT DATABASE() AS name"), [{ name: "koa_blog" }]);
  });

  it("never start over once MySQL has served, even if it is killed", async () => {
    const first = await startReady();
    await asBlog(first, "CREATE TABLE t AS SELECT 42 AS answer");
    const second = await restart(first, {}, "kill");
    assert.deepEqual(await asBlog(second, "SELECT answer FROM t"), [{ answer: 42 }]);
  });

  for (const [what, options, message] of [
    ["an empty password", { password: "" }, /start-mysql\.sh: the value for @password is empty/],
    [
      "a root password that the image cannot take",
      { rootPassword: "it's" },
      /start-mysql\.sh: the root password must not/,
    ],
    ["no database", { database: "" }, /start-mysql\.sh: the value for @database is empty/],
  ] as const) {
    it(`stop with the remedy, before anything is initialized, with ${what}`, async () => {
      const mysql = await start(options);
      while ((await docker("inspect", "--format", "{{.State.Running}}", mysql.container)) === "true") await sleep(50);
      assert.match(await docker("logs", mysql.container), message);
    });
  }

  it("leave no password in the container's log, environment or data directory", async () => {
    const mysql = await startReady({ password: "the-blogs-password", rootPassword: "the-roots-password" });
    assert.equal(await shell(mysql, "grep -rl 'the-blogs-password' /var/lib/mysql || true"), "");
    assert.doesNotMatch(await docker("logs", mysql.container), /the-(blogs|roots)-password/);
    assert.doesNotMatch(await shell(mysql, "tr '\\0' '\\n' </proc/1/environ"), /the-blogs-password/);
  });
});
