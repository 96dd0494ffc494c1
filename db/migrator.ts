import { setTimeout as sleep } from "node:timers/promises";

import type { Knex } from "knex";
import type { Logger } from "pino";

import { unavailableCode } from "./errors.ts";
import { migrations } from "./migrations/index.ts";

/** One lock per database. MySQL allows names of at most 64 characters. */
const LOCK_NAME = "CONCAT('migrate:', SHA2(DATABASE(), 224))";
const LOCK_TIMEOUT_S = 300;
const RETRY_DELAY_MS = 1000;

/**
 * Waits until MySQL answers queries.
 *
 * @param patience in milliseconds
 * @throws the last error after `patience`, or at once an error that waiting cannot fix
 */
export async function waitForDatabase(db: Knex, log: Logger, patience: number): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await db.raw("SELECT 1");
      return;
    } catch (error) {
      const code = unavailableCode(error);
      if (code === undefined || Date.now() > deadline) throw error;
      log.info({ error: { code } }, "waiting for MySQL");
      await sleep(RETRY_DELAY_MS);
    }
  }
}

/**
 * Applies the missing migrations, one process at a time.
 *
 * @param db must have a pool of one connection, because MySQL's lock belongs to the connection
 * @returns the names of the applied migrations
 */
export async function migrate(db: Knex, log: Logger): Promise<string[]> {
  // Knex's lock is a row, which stays after SIGKILL. MySQL releases GET_LOCK with the connection.
  const [[lock]] = (await db.raw(`SELECT GET_LOCK(${LOCK_NAME}, ?) AS acquired`, [LOCK_TIMEOUT_S])) as [
    [{ acquired: number | null }],
  ];
  if (lock.acquired !== 1) {
    throw new Error(
      `Another migration still runs after ${String(LOCK_TIMEOUT_S)} s. Find it with SHOW PROCESSLIST, then run this again.`,
    );
  }
  try {
    await refuseEqualNames(db);
    // No other migration runs, so Knex's lock can only come from a killed one.
    await db.migrate.forceFreeMigrationsLock();
    const [, applied] = (await db.migrate.latest()) as [number, string[]];
    log.info({ labels: { migrations: applied } }, applied.length > 0 ? "migrations applied" : "schema is current");
    return applied;
  } finally {
    await db.raw(`DO RELEASE_LOCK(${LOCK_NAME})`);
  }
}

/**
 * Existing tables of Flask's blog may have another character set. The conversion to utf8mb4 would fail in the middle if
 * it made two names equal, such as "Bär" and "Bar".
 *
 * @throws Error that lists such names
 */
async function refuseEqualNames(db: Knex): Promise<void> {
  const column: unknown = await db("information_schema.columns")
    .first("column_name")
    .whereRaw("table_schema = DATABASE() AND table_name = 'user' AND column_name = 'username'")
    .andWhere("character_set_name", "<>", "utf8mb4");
  if (column === undefined) return;
  const [groups] = (await db.raw(`
    SELECT GROUP_CONCAT(username ORDER BY id SEPARATOR ', ') AS names FROM user
    GROUP BY CONVERT(username USING utf8mb4) COLLATE utf8mb4_0900_ai_ci HAVING COUNT(*) > 1`)) as [{ names: string }[]];
  if (groups.length === 0) return;
  const lists = groups.map(({ names }) => `  ${names}`).join("\n");
  throw new Error(
    `Names in the table user would be equal in utf8mb4, so nothing was changed. Rename all but one of each line:\n${lists}`,
  );
}

export async function pendingMigrations(db: Knex): Promise<string[]> {
  const applied = await db<{ name: string }>("knex_migrations").pluck<string[]>("name");
  return migrations.map(({ name }) => name).filter((name) => !applied.includes(name));
}
