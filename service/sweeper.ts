import type { Knex } from "knex";
import type { Logger } from "pino";
import { unavailableCode } from "../db/unavailable.ts";

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH = 1000;

/** Tables whose rows have a time in `expires` from which on they count for nothing. */
const tables = ["session", "attempt"] as const;
type Table = (typeof tables)[number];

/** Deletes expired rows, at most a batch of them, so that no replica holds locks for long. Returns how many. */
export async function sweep(db: Knex, table: Table): Promise<number> {
  const [result] = (await db.raw("DELETE FROM ?? WHERE expires <= UTC_TIMESTAMP() ORDER BY expires LIMIT ?", [
    table,
    BATCH,
  ])) as [{ affectedRows: number }];
  return result.affectedRows;
}

/** Sweeps every ten minutes or so; the replicas drift apart, so as not to do it all at once. */
export function startSweeper(db: Knex, log: Logger): void {
  const schedule = () => setTimeout(() => void sweepAll(), INTERVAL_MS * (0.5 + Math.random())).unref();
  async function sweepAll(): Promise<void> {
    for (const table of tables) {
      try {
        const deleted = await sweep(db, table);
        if (deleted > 0) log.info({ table, deleted }, "expired rows deleted");
      } catch (err) {
        log.warn({ err, table, code: unavailableCode(err) ?? "SWEEP" }, "expired rows could not be deleted");
      }
    }
    schedule();
  }
  schedule();
}
