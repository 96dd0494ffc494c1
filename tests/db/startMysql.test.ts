import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import knex from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { docker, requireDocker } from "../service/docker.ts";
import { type Mysql, type MysqlOptions, startMysql, untilReady } from "../service/mysql.ts";

const log = createLogger("silent");

describe("start-mysql.sh and schema.sql", function () {
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
  async function query({ config }: Mysql, sql: string, other: Partial<Mysql["config"]> = {}): Promise<unknown> {
    const db = knex(serviceKnexConfig({ ...config, ...other }, log, 20_000));
    try {
      return ((await db.raw(sql)) as [unknown])[0];
    } finally {
      await db.destroy();
    }
  }

  const createTable = "CREATE TABLE t AS SELECT 42 AS answer";
  const select = "SELECT answer FROM t";
  const denied = { code: "ER_ACCESS_DENIED_ERROR" };

  it("create a user with all rights in its database and none elsewhere, and leak no password", async () => {
    const mysql = await startReady({
      user: "flaskr",
      password: "the-blogs-password",
      rootPassword: "the-roots-password",
    });
    await query(mysql, createTable);
    assert.deepEqual(await query(mysql, "SELECT @@collation_database AS co"), [{ co: "utf8mb4_0900_ai_ci" }]);
    for (const sql of ["CREATE DATABASE koaxblog", "CREATE DATABASE other", "SELECT * FROM mysql.user"]) {
      await assert.rejects(query(mysql, sql), /denied/, sql);
    }
    assert.equal(await mysql.root("SELECT host FROM mysql.user WHERE user = 'root'"), "localhost");
    assert.equal(await shell(mysql, "grep -rl 'the-blogs-password' /var/lib/mysql || true"), "");
    assert.doesNotMatch(await docker("logs", mysql.container), /the-(blogs|roots)-password/);
    assert.doesNotMatch(await shell(mysql, "tr '\\0' '\\n' </proc/1/environ"), /the-blogs-password/);
  });

  it("change both passwords at a restart, revoke other rights, and keep the data after a kill", async () => {
    const first = await startReady();
    await query(first, createTable);
    await first.root("CREATE DATABASE other; GRANT ALL ON other.* TO koa_blog; GRANT SELECT ON *.* TO koa_blog;");
    const second = await restart(first, {}, "kill");
    assert.deepEqual(await query(second, select), [{ answer: 42 }]);
    assert.equal(await second.root("SELECT 1"), "1");
    await assert.rejects(query(second, select, { MYSQL_PASSWORD: first.config.MYSQL_PASSWORD }), denied);
    await assert.rejects(query(second, "SELECT * FROM mysql.user"), /denied/);
    await assert.rejects(query(second, "CREATE TABLE other.t (a INT)"), /denied/);
  });

  it("accept any characters in names and passwords, and drop only accounts of former user names", async () => {
    const options = { database: "we_ird`%db", rootPassword: "r`$(id)%;--#🐟" };
    const first = await startReady({ ...options, user: "o'\\blog", password: `p'"\\\`$(id)%;--\t🐟` });
    await query(first, createTable);
    await first.root("CREATE USER team IDENTIFIED BY 'secret'; GRANT ALL ON `we\\_ird``\\%db`.* TO team");
    const users = (mysql: Mysql) =>
      mysql.root("SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY user");

    const second = await restart(first, { ...options, user: "koa_blog" });
    assert.deepEqual(await query(second, select), [{ answer: 42 }]);
    await assert.rejects(query(second, select, { ...first.config, MYSQL_PORT: second.port }), denied);
    const team = { MYSQL_USER: "team", MYSQL_PASSWORD: "secret" };
    assert.deepEqual(await query(second, select, team), [{ answer: 42 }]);
    assert.equal(await users(second), "koa_blog\nroot\nteam");

    // Two at once, whose names need quoting.
    await second.root(`CREATE USER 'left', "le'ft" ATTRIBUTE '{"createdBy": "koa-blog"}'`);
    const third = await restart(second, { ...options, user: "o'\\blog" });
    assert.deepEqual(await query(third, select), [{ answer: 42 }]);
    assert.equal(await users(third), "o'\\blog\nroot\nteam");
  });

  for (const [when, isSeen] of [
    [
      "while its files are created",
      async (mysql: Mysql) => (await shell(mysql, "ls /var/lib/mysql")).includes("mysql"),
    ],
    [
      "before its users are created",
      async (mysql: Mysql) => (await docker("logs", mysql.container)).includes("Initialization - end"),
    ],
  ] as const) {
    it(`repeat an initialization that was killed ${when}`, async () => {
      const first = await start();
      while (!(await isSeen(first))) await sleep(50);
      await docker("kill", first.container);
      assert.ok(!(await docker("logs", first.container)).includes("init process done"), "killed too late");

      const second = await startReady();
      assert.match(await docker("logs", second.container), /the first initialization was interrupted/);
      assert.deepEqual(await query(second, "SELECT DATABASE() AS name"), [{ name: "koa_blog" }]);
      assert.equal(await second.root("SELECT 1"), "1");
    });
  }

  it("create a missing user and database at a restart", async () => {
    const first = await startReady();
    await first.root("DROP DATABASE koa_blog; DROP USER koa_blog;");
    const second = await restart(first);
    assert.deepEqual(await query(second, "SELECT DATABASE() AS name"), [{ name: "koa_blog" }]);
  });

  for (const [what, options, message] of [
    ["an empty password", { password: "" }, /start-mysql\.sh: the value for @password is empty/],
    ["a root password with a quote", { rootPassword: "it's" }, /start-mysql\.sh: the root password must not/],
    ["no database", { database: "" }, /start-mysql\.sh: the value for @database is empty/],
  ] as const) {
    it(`stop before the initialization because of ${what}`, async () => {
      const mysql = await start(options);
      while ((await docker("inspect", "--format", "{{.State.Running}}", mysql.container)) === "true") await sleep(50);
      assert.match(await docker("logs", mysql.container), message);
    });
  }
});
