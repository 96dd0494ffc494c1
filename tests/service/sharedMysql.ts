import { randomBytes } from "node:crypto";

import type { DatabaseVariables } from "../../db/variables.ts";
import { requireDocker } from "./docker.ts";
import { createDatabase, type Mysql, startMysql, untilReady } from "./mysql.ts";

const rootPassword = randomBytes(16).toString("hex");
let starting: Promise<Mysql> | undefined;
let databases = 0;

/** One MySQL for all suites. Each suite has its own database. */
export function sharedMysql(): Promise<Mysql> {
  starting ??= (async () => {
    const mysql = await startMysql({ rootPassword });
    stopWithProcess(mysql);
    await untilReady(mysql);
    return mysql;
  })();
  return starting;
}

function stopWithProcess(mysql: Mysql): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void mysql.remove().finally(() => process.exit(1)));
  }
}

after("stop the shared MySQL", async function () {
  this.timeout(60_000);
  await (await starting)?.remove();
});

/**
 * Creates an empty database for the calling suite. Skips its tests without a Docker engine.
 *
 * @returns a function that returns the configuration while the suite runs
 */
export function useDatabase(): () => DatabaseVariables {
  let config: DatabaseVariables | undefined;

  before("create a database", async function () {
    this.timeout(180_000);
    await requireDocker.call(this);
    databases += 1;
    config = await createDatabase(await sharedMysql(), `test_${String(databases)}`, rootPassword);
  });

  return () => {
    if (config === undefined) throw new Error("The database exists only during the suite's tests and hooks.");
    return config;
  };
}
