import type { Knex } from "knex";
import type { Logger } from "pino";

import { errorFields } from "../db/log.ts";
import { unavailableCode } from "../db/unavailable.ts";

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH = 1000;

const tables = ["session", "attempt"] as const;
type Table = (typeof tables)[number];

/** Deletes one batch of expired rows, so that locks are short. @returns the number of deleted rows */
export async function sweep(db: Knex, table: Table): Promise<number> {
  const [result] = (await db.raw("DELETE FROM ?? WHERE expires <= UTC_TIMESTAMP() ORDER BY expires LIMIT ?", [
    table,
    BATCH,
  ])) as [{ affectedRows: number }];
  return result.affectedRows;
}

/** Deletes expired rows about every ten minutes. The random interval keeps replicas from doing so at the same time. */
export function startSweeper(db: Knex, log: Logger): void {
  setInterval(() => void sweepAll(db, log), INTERVAL_MS * (0.5 + Math.random())).unref();
}

async function sweepAll(db: Knex, log: Logger): Promise<void> {
  for (const table of tables) {
    try {
      const deleted = await sweep(db, table);
      if (deleted > 0) log.info({ table, deleted }, "expired rows deleted");
    } catch (error) {
      const fields = errorFields(error, unavailableCode(error) ?? "SWEEP");
      log.warn({ error: fields, table }, "expired rows could not be deleted");
    }
  }
}
