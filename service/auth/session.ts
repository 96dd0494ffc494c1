import type { Knex } from "knex";
import createSession from "koa-session";
import type { CreateSessionOptions } from "koa-session";
import type { App, Middleware } from "../context.ts";
import { SessionStore } from "./session-store.ts";

/** A week, begun anew when half of it is over. */
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** Sessions in MySQL, for those who are logged in: a guest gets neither a row nor a cookie. */
export function sessions(app: App, db: Knex, secure: boolean): Middleware {
  return createSession(
    {
      key: "session",
      maxAge: MAX_AGE_MS,
      renew: true,
      httpOnly: true,
      sameSite: "lax",
      secure,
      signed: true,
      store: new SessionStore(db) as NonNullable<CreateSessionOptions["store"]>,
    },
    app,
  ) as Middleware;
}
