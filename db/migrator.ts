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
    // No other migration runs, so Knex's lock can only come from a killed one.
    await db.migrate.forceFreeMigrationsLock();
    const [, applied] = (await db.migrate.latest()) as [number, string[]];
    log.info({ labels: { migrations: applied } }, applied.length > 0 ? "migrations applied" : "schema is current");
    return applied;
  } finally {
    await db.raw(`DO RELEASE_LOCK(${LOCK_NAME})`);
  }
}

export async function pendingMigrations(db: Knex): Promise<string[]> {
  const applied = await db<{ name: string }>("knex_migrations").pluck<string[]>("name");
  return migrations.map(({ name }) => name).filter((name) => !applied.includes(name));
}
