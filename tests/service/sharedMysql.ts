import { randomBytes } from "node:crypto";

import mysql2 from "mysql2/promise";

import type { DatabaseVariables } from "../../db/variables.ts";
import { databaseSql, type PrivateMysql, startPrivateMysql } from "../../scripts/lib/privateMysql.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { requireMysql } from "./docker.ts";

const rootPassword = randomBytes(16).toString("hex");
/** Init files have one statement per line. */
const rootSql = `CREATE USER root@'%' IDENTIFIED BY '${rootPassword}';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
`;

export interface SharedMysql extends PrivateMysql {
  /** Runs SQL as root, and returns the rows with a line for each. */
  root: (sql: string) => Promise<string>;
}

let starting: Promise<SharedMysql> | undefined;
let databases = 0;

/** One MySQL for all suites. Each suite has its own database. */
export function sharedMysql(): Promise<SharedMysql> {
  starting ??= (async () => {
    const mysql = await startPrivateMysql(temporaryFolder(), rootSql);
    stopWithProcess(mysql);
    return { ...mysql, root: (sql) => runAsRoot(mysql.port, sql) };
  })();
  return starting;
}

async function runAsRoot(port: number, sql: string): Promise<string> {
  const login = { host: "127.0.0.1", port, user: "root", password: rootPassword };
  const connection = await mysql2.createConnection({ ...login, multipleStatements: true, rowsAsArray: true });
  try {
    const [rows] = await connection.query(sql);
    // A statement without rows has an object as its result.
    return Array.isArray(rows) ? rows.map(String).join("\n") : "";
  } finally {
    await connection.end();
  }
}

function stopWithProcess(mysql: PrivateMysql): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void mysql.stop().finally(() => process.exit(1)));
  }
}

after("stop the shared MySQL", async function () {
  this.timeout(60_000);
  await (await starting)?.stop();
});

/**
 * Creates an empty database for the calling suite. Skips its tests if this machine cannot run MySQL.
 *
 * @returns a function that returns the configuration while the suite runs
 */
export function useDatabase(): () => DatabaseVariables {
  let config: DatabaseVariables | undefined;

  before("create a database", async function () {
    this.timeout(180_000);
    requireMysql.call(this);
    databases += 1;
    const { port, root } = await sharedMysql();
    const name = `test_${String(databases)}`;
    const password = randomBytes(16).toString("hex");
    await root(databaseSql(name, name, password));
    const account = { MYSQL_DATABASE: name, MYSQL_USER: name, MYSQL_PASSWORD: password };
    config = { MYSQL_HOST: "127.0.0.1", MYSQL_PORT: port, ...account };
  });

  return () => {
    if (config === undefined) throw new Error("The database exists only during the suite's tests and hooks.");
    return config;
  };
}
