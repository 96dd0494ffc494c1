import type { Knex } from "knex";

import { pendingMigrations } from "../../db/migrator.ts";
import type { Middleware } from "../context.ts";
import { toHttpError } from "../httpError.ts";

/** Does not use the database, because a restart of the blog would not fix it. */
export const healthz: Middleware = function healthz(ctx) {
  ctx.body = "ok";
};

/** 200 if the database is reachable, writable and has every migration, else 503 with the reason. */
export function readyz(db: Knex, isDraining: () => boolean): Middleware {
  return async function readyz(ctx) {
    const problem = isDraining() ? { reason: "shutting down" } : await databaseProblem(db);
    ctx.status = problem ? 503 : 200;
    ctx.body = problem ? { status: "unavailable", ...problem } : { status: "ok" };
  };
}

async function databaseProblem(db: Knex): Promise<object | undefined> {
  try {
    const pending = await pendingMigrations(db);
    if (pending.length > 0) return { reason: "migrations are missing", pending };
    const [[row]] = (await db.raw("SELECT @@global.read_only AS isReadOnly")) as [[{ isReadOnly: number }]];
    return row.isReadOnly === 1 ? { reason: "the database is read-only" } : undefined;
  } catch (error) {
    return { reason: "the database cannot be used", code: toHttpError(error).code };
  }
}
