import { setTimeout as sleep } from "node:timers/promises";
import type { Knex } from "knex";
import type { Logger } from "pino";
import { migrations } from "./migrations/index.ts";
import { unavailableCode } from "./unavailable.ts";

/** SQL for a name of the database's own, in at most 64 characters. */
const LOCK_NAME = "CONCAT('migrate:', SHA2(DATABASE(), 224))";
const LOCK_TIMEOUT_S = 300;
const RETRY_DELAY_MS = 1000;

/**
 * Waits until MySQL answers queries.
 *
 * @param patience in milliseconds
 * @throws the last error, once patience is at its end, or at once if waiting cannot help
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
      log.info({ code }, "waiting for MySQL");
      await sleep(RETRY_DELAY_MS);
    }
  }
}

/**
 * Applies the migrations that are missing, one process at a time.
 *
 * @param db must have a pool of one connection: the lock belongs to the connection
 * @returns the names of the applied migrations
 */
export async function migrate(db: Knex, log: Logger): Promise<string[]> {
  // Knex's own lock is a row, which a killed run leaves behind for ever. MySQL gives this one up with the connection.
  await acquireLock(db);
  try {
    // Whoever left Knex's lock behind is gone, since we hold the other one.
    await db.migrate.forceFreeMigrationsLock();
    const [, applied] = (await db.migrate.latest()) as [number, string[]];
    log.info({ applied }, applied.length > 0 ? "migrations applied" : "schema is current");
    return applied;
  } finally {
    await db.raw(`DO RELEASE_LOCK(${LOCK_NAME})`);
  }
}

async function acquireLock(db: Knex): Promise<void> {
  const [rows] = (await db.raw(`SELECT GET_LOCK(${LOCK_NAME}, ?) AS acquired`, [LOCK_TIMEOUT_S])) as [
    { acquired: number | null }[],
  ];
  if (rows[0]?.acquired !== 1) {
    throw new Error(
      `Another migration has been running for ${String(LOCK_TIMEOUT_S)} s: see SHOW PROCESSLIST, then run this again.`,
    );
  }
}

/** The names of the migrations that the database still lacks. It may have newer ones than this code knows. */
export async function pendingMigrations(db: Knex): Promise<string[]> {
  const applied = await db<{ name: string }>("knex_migrations").pluck<string[]>("name");
  return migrations.map(({ name }) => name).filter((name) => !applied.includes(name));
}
