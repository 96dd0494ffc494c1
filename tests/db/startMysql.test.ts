import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import knex from "knex";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { createLogger } from "../../service/log.ts";
import { docker, requireDocker } from "../service/docker.ts";
import { type Mysql, type MysqlOptions, startMysql, untilReady } from "../service/mysql.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const log = createLogger("silent");

describe("start-mysql.sh and schema.sql", () => {
  it("write nothing if a name is missing, or a password is missing or unusable", () => {
    const folder = temporaryFolder();
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const complete = {
      ...{ PATH: process.env.PATH, INIT_DIR: folder, DATA_DIR: join(folder, "data") },
      ...{ MYSQL_DATABASE: "blog", MYSQL_USER: "blog" },
      ...{ MYSQL_PASSWORD_FILE: file("password", "p"), MYSQL_ROOT_PASSWORD_FILE: file("root", "r") },
    };
    for (const [variables, message] of [
      [{ MYSQL_DATABASE: "" }, /the value for @database is empty/],
      [{ MYSQL_PASSWORD_FILE: file("empty", "") }, /the value for @password is empty/],
      [{ MYSQL_PASSWORD_FILE: "/missing" }, /MYSQL_PASSWORD_FILE is "\/missing"/],
      [{ MYSQL_ROOT_PASSWORD_FILE: file("quote", "it's") }, /the root password must not contain quotes/],
    ] as const) {
      const env = { ...complete, ...variables };
      const script = join(projectFolder, "db/start-mysql.sh");
      const { status, stderr } = spawnSync("bash", [script], { env, encoding: "utf8" });
      assert.equal(status, 1);
      assert.match(stderr, message);
      assert.ok(!existsSync(complete.DATA_DIR));
    }
  });
});

/** Each test continues with the data of the test before it, because an initialization takes seconds. */
describe("MySQL's volume", function () {
  this.timeout(180_000);
  let volume: string;
  let mysql: Mysql;
  const started: Mysql[] = [];
  const accounts = { user: "o'\\blog", password: `p'"\\\`$(id)%;--\t🐟`, rootPassword: "r`$(id)%;--#🐟" };
  const first = { ...accounts, database: "we_ird`%db" };

  before(requireDocker);
  before("create the volume", async () => {
    volume = await docker("volume", "create", "--label", "koa-blog.test");
  });
  after("remove the volume", async () => {
    for (const one of started) await one.remove();
    if (volume) await docker("volume", "rm", "--force", volume);
  });

  async function start(options: MysqlOptions): Promise<void> {
    mysql = await startMysql({ data: ["--volume", `${volume}:/var/lib/mysql`], ...options });
    started.push(mysql);
  }

  const logs = () => docker("logs", mysql.container);

  /** Runs SQL as the blog's user, or as another one. */
  async function query(sql: string, account: Partial<Mysql["config"]> = {}): Promise<unknown> {
    const db = knex(serviceKnexConfig({ ...mysql.config, ...account }, log, 20_000));
    try {
      return ((await db.raw(sql)) as [unknown])[0];
    } finally {
      await db.destroy();
    }
  }

  it("is initialized again after a kill, while files are created or before users are created", async () => {
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

  it("has a user with all rights in the blog's database only, and a root of the pod only", async () => {
    await query("CREATE TABLE t AS SELECT 42 AS answer");
    assert.deepEqual(await query("SELECT @@collation_database AS co"), [{ co: "utf8mb4_0900_ai_ci" }]);
    for (const sql of ["CREATE DATABASE `weXird``%db`", "CREATE DATABASE other", "SELECT * FROM mysql.user"]) {
      await assert.rejects(query(sql), /denied/, sql);
    }
    assert.equal(await mysql.root("SELECT host FROM mysql.user WHERE user = 'root'"), "localhost");
  });

  it("and the log contain no password", async () => {
    const search = "grep --recursive --files-with-matches --fixed-strings --file=/secrets/password /var/lib/mysql";
    assert.equal(await docker("exec", mysql.container, "bash", "-c", `${search} || true`), "");
    for (const password of [first.password, first.rootPassword]) assert.ok(!(await logs()).includes(password));
  });

  it("gets new passwords, a new user and a new database at the next start, and keeps all data", async () => {
    const createdBy = `ATTRIBUTE '{"createdBy": "koa-blog"}'`;
    await mysql.root(`
      CREATE USER team IDENTIFIED BY 'secret'; GRANT ALL ON \`we\\_ird\`\`\\%db\`.* TO team;
      CREATE USER former ${createdBy};
      CREATE USER koa_blog IDENTIFIED BY 'old'; GRANT SELECT ON *.* TO koa_blog;`);
    await docker("kill", mysql.container);
    const mysqld = ["--sql-mode=NO_BACKSLASH_ESCAPES"];
    await start({ user: "koa_blog", password: `q'\\"🐟`, database: "new", mysqld });
    await untilReady(mysql);

    assert.deepEqual(await query("SELECT DATABASE() AS name"), [{ name: "new" }]);
    await assert.rejects(query("SELECT * FROM mysql.user"), /denied/);
    const team = { MYSQL_USER: "team", MYSQL_PASSWORD: "secret", MYSQL_DATABASE: first.database };
    assert.deepEqual(await query("SELECT answer FROM t", team), [{ answer: 42 }]);
    const users = await mysql.root("SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY user");
    assert.equal(users, "koa_blog\nroot\nteam");
  });
});
