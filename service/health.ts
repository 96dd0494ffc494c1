import type { Knex } from "knex";
import { pendingMigrations } from "../db/migrator.ts";
import type { Middleware } from "./context.ts";
import { withDeadline } from "./deadline.ts";
import { toHttpError } from "./errors.ts";

/** Alive: the process answers. Never touches the database, whose failure a restart would not mend. */
export const healthz: Middleware = function healthz(ctx) {
  ctx.body = "ok";
};

/**
 * Ready: the database can be reached and has every migration that this code needs. Otherwise 503 and the reason.
 *
 * @param limit in milliseconds
 */
export function readyz(db: Knex, isDraining: () => boolean, limit: number): Middleware {
  return async function readyz(ctx) {
    const problem = isDraining() ? { reason: "shutting down" } : await databaseProblem(db, limit);
    ctx.status = problem ? 503 : 200;
    ctx.body = problem ? { status: "unavailable", ...problem } : { status: "ok" };
  };
}

async function databaseProblem(db: Knex, limit: number): Promise<object | undefined> {
  try {
    const pending = await withDeadline(limit, pendingMigrations(db));
    return pending.length > 0 ? { reason: "migrations are missing", pending } : undefined;
  } catch (error) {
    return { reason: "the database cannot be used", code: toHttpError(error).code };
  }
}
