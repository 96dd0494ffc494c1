import type { Knex } from "knex";
import type { Logger } from "pino";
import { unavailableCode } from "../../db/unavailable.ts";

const INTERVAL_MS = 10 * 60 * 1000;
const BATCH = 1000;

/** Deletes expired sessions, at most a batch of them, so that no replica holds locks for long. Returns how many. */
export async function sweepSessions(db: Knex): Promise<number> {
  const [result] = (await db.raw("DELETE FROM session WHERE expires <= UTC_TIMESTAMP() ORDER BY expires LIMIT ?", [
    BATCH,
  ])) as [{ affectedRows: number }];
  return result.affectedRows;
}

/** Sweeps every ten minutes or so; the replicas drift apart, so as not to do it all at once. */
export function startSessionSweeper(db: Knex, log: Logger): void {
  const schedule = () => setTimeout(() => void sweep(), INTERVAL_MS * (0.5 + Math.random())).unref();
  async function sweep(): Promise<void> {
    try {
      const deleted = await sweepSessions(db);
      if (deleted > 0) log.info({ deleted }, "expired sessions deleted");
    } catch (err) {
      log.warn({ err, code: unavailableCode(err) ?? "SESSION_SWEEP" }, "expired sessions could not be deleted");
    }
    schedule();
  }
  schedule();
}
