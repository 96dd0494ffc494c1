import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import knex from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { docker, requireDocker } from "../service/docker.ts";
import { type Mysql, type MysqlOptions, startMysql, untilReady } from "../service/mysql.ts";

/** Each test continues with the data of the test before it, because an initialization takes seconds. */
describe("start-mysql.sh and schema.sql", function () {
  this.timeout(120_000);
  let volume: string;
  let mysql: Mysql;
  const started: Mysql[] = [];
  const first = {
    database: "we_ird`%db",
    user: "o'\\blog",
    password: `p'"\\\`$(id)%;--\t🐟`,
    rootPassword: "r`$(id)%;--#🐟",
    mysqld: ["--sql-mode=NO_BACKSLASH_ESCAPES"],
  };

  before(requireDocker);
  before("create the volume", async () => {
    volume = await docker("volume", "create", "--label", "koa-blog.test");
  });
  after("remove the volume", async () => {
    for (const server of started) await server.remove();
    if (volume) await docker("volume", "rm", "--force", volume);
  });

  async function start(options: MysqlOptions): Promise<void> {
    mysql = await startMysql({ data: ["--volume", `${volume}:/var/lib/mysql`], ...options });
    started.push(mysql);
  }

  const logs = () => docker("logs", mysql.container);

  /** Runs SQL as the blog's user, or as another one. */
  async function query(sql: string, account: Partial<Mysql["config"]> = {}): Promise<unknown> {
    const db = knex(serviceKnexConfig({ ...mysql.config, ...account }, createLogger("silent"), 20_000));
    try {
      return ((await db.raw(sql)) as [unknown])[0];
    } finally {
      await db.destroy();
    }
  }

  it("initialize again after a kill, while files are created or before users are created", async () => {
    const files = async () => (await docker("exec", mysql.container, "ls", "/var/lib/mysql")).includes("mysql");
    const system = async () => (await logs()).includes("Initialization - end");
    for (const isDue of [files, system]) {
      await start(first);
      while (!(await isDue())) await sleep(50);
      await docker("kill", mysql.container);
      assert.doesNotMatch(await logs(), /init process done/, "killed too late");
    }
    await start(first);
    await untilReady(mysql);
    assert.match(await logs(), /the first initialization was interrupted/);
  });

  it("create a user for one database and a root of the pod only, and show no password in the data and the log", async () => {
    await query("CREATE TABLE t AS SELECT 42 AS answer");
    assert.deepEqual(await query("SELECT @@collation_database AS co"), [{ co: "utf8mb4_0900_ai_ci" }]);
    for (const sql of ["CREATE DATABASE `weXird``%db`", "CREATE DATABASE other", "SELECT * FROM mysql.user"]) {
      await assert.rejects(query(sql), /denied/, sql);
    }
    assert.equal(await mysql.root("SELECT host FROM mysql.user WHERE user = 'root'"), "localhost");
    const search = "grep --recursive --files-with-matches --fixed-strings --file=/secrets/password /var/lib/mysql";
    assert.equal(await docker("exec", mysql.container, "bash", "-c", `${search} || true`), "");
    for (const password of [first.password, first.rootPassword]) assert.ok(!(await logs()).includes(password));
  });

  it("set new passwords, a new user and a new database at the next start, and keep all data", async () => {
    await mysql.root(`
      CREATE USER team IDENTIFIED BY 'secret'; GRANT ALL ON \`we\\_ird\`\`\\%db\`.* TO team;
      CREATE USER former ATTRIBUTE '{"createdBy": "koa-blog"}';
      CREATE USER koa_blog IDENTIFIED BY 'old'; GRANT SELECT ON *.* TO koa_blog;`);
    await docker("kill", mysql.container);
    await start({
      user: "koa_blog",
      password: `q'\\"🐟`,
      database: "new",
      mysqld: ["--sql-mode=NO_BACKSLASH_ESCAPES"],
    });
    await untilReady(mysql);

    assert.deepEqual(await query("SELECT DATABASE() AS name"), [{ name: "new" }]);
    await assert.rejects(query("SELECT * FROM mysql.user"), /denied/);
    const team = { MYSQL_USER: "team", MYSQL_PASSWORD: "secret", MYSQL_DATABASE: first.database };
    assert.deepEqual(await query("SELECT answer FROM t", team), [{ answer: 42 }]);
    const users = await mysql.root("SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY user");
    assert.equal(users, "koa_blog\nroot\nteam");
  });
});
