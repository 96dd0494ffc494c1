import { randomBytes } from "node:crypto";
import type { DatabaseConfig } from "../../db/config.ts";
import { dockerProblem } from "./docker.ts";
import { createDatabase, startMysql, untilReady } from "./mysql.ts";
import type { Mysql } from "./mysql.ts";

const rootPassword = randomBytes(16).toString("hex");
let starting: Promise<Mysql> | undefined;
let databases = 0;

/** The one MySQL that the suites share; each of them has a database of its own in it. */
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
 * Gives the suite that calls this an empty database. Without a Docker engine its tests are skipped, with the reason.
 *
 * @returns the way to its configuration, which is there once the suite runs
 */
export function useDatabase(): () => DatabaseConfig {
  let config: DatabaseConfig | undefined;

  before("create a database", async function () {
    this.timeout(180_000);
    const problem = await dockerProblem();
    if (problem !== undefined) {
      console.log(`    skipped, ${problem}`);
      this.skip();
    }
    databases += 1;
    config = await createDatabase(await sharedMysql(), `test_${String(databases)}`, rootPassword);
  });

  return () => {
    if (config === undefined) throw new Error("The database is there only while the suite runs.");
    return config;
  };
}
