import type { Knex } from "knex";

import { pendingMigrations } from "../../db/migrator.ts";
import type { Middleware } from "../context.ts";
import { toHttpError } from "../httpError.ts";
import { withDeadline } from "./deadline.ts";

/** Does not use the database, because a restart of the blog would not fix it. */
export const healthz: Middleware = function healthz(ctx) {
  ctx.body = "ok";
};

/** 200 if the database is reachable and has every migration, else 503 with the reason. */
export function readyz(db: Knex, isDraining: () => boolean, limitMs: number): Middleware {
  return async function readyz(ctx) {
    const problem = isDraining() ? { reason: "shutting down" } : await databaseProblem(db, limitMs);
    ctx.status = problem ? 503 : 200;
    ctx.body = problem ? { status: "unavailable", ...problem } : { status: "ok" };
  };
}

async function databaseProblem(db: Knex, limitMs: number): Promise<object | undefined> {
  try {
    const pending = await withDeadline(limitMs, pendingMigrations(db));
    return pending.length > 0 ? { reason: "migrations are missing", pending } : undefined;
  } catch (error) {
    return { reason: "the database cannot be used", code: toHttpError(error).code };
  }
}
