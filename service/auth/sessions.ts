import { createHash } from "node:crypto";

import Keygrip from "keygrip";
import type { Knex } from "knex";
import createSession, { type CreateSessionOptions } from "koa-session";

import { deleteInBatches } from "../../db/deleteInBatches.ts";
import type { App, Middleware } from "../context.ts";
import type { Environment } from "../environment.ts";

/** koa-session renews a session after half of this time. */
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** A guest has no session, so guests cause no rows in MySQL. */
export function sessions(app: App, db: Knex, environment: Environment): Middleware {
  app.keys = new Keygrip(environment.SESSION_KEYS, "sha256");
  const session = createSession(
    {
      key: environment.SESSION_COOKIE,
      maxAge: MAX_AGE_MS,
      renew: true,
      httpOnly: true,
      sameSite: "lax",
      secure: environment.COOKIE_SECURE,
      signed: true,
      store: new SessionStore(db) as NonNullable<CreateSessionOptions["store"]>,
    },
    app,
  ) as Middleware;
  return async function sessions(ctx, next) {
    await session(ctx, async () => {
      // The package `cookies` has replaced the signature of an old key, but with a cookie that ends with the browser.
      // https://github.com/pillarjs/cookies/issues/22
      if (ctx.session?.userId !== undefined && ctx.res.hasHeader("Set-Cookie")) await ctx.session.save();
      await next();
    });
  };
}

export async function deleteExpiredSessions(db: Knex): Promise<void> {
  await deleteInBatches(() => db("session").where("expires", "<=", db.raw("UTC_TIMESTAMP()")));
}

interface Row {
  id: string;
  data: string;
  expires: string;
}

/** koa-session's store in MySQL. The table has only hashes of the keys, so a leaked table does not allow a login. */
export class SessionStore {
  readonly #db: Knex;
  /** The keys that each request, identified by its context, has read from the database. */
  readonly #seen = new WeakMap<object, Set<string>>();

  constructor(db: Knex) {
    this.#db = db;
  }

  async get(key: string, _maxAge: number, { ctx }: { ctx: object }): Promise<unknown> {
    const row = await this.#row(key).first("data").where("expires", ">", this.#db.raw("UTC_TIMESTAMP()"));
    if (row === undefined) return undefined;
    this.#remember(ctx, key);
    // MariaDB returns JSON as text.
    return typeof row.data === "string" ? (JSON.parse(row.data) as unknown) : row.data;
  }

  /** @param maxAge in milliseconds */
  async set(key: string, session: object, maxAge: number, { ctx }: { ctx: object }): Promise<void> {
    const data = JSON.stringify(session);
    const expires = this.#db.raw<string>("UTC_TIMESTAMP() + INTERVAL ? SECOND", [Math.ceil(maxAge / 1000)]);
    if (this.#seen.get(ctx)?.has(key)) {
      // An upsert would restore a session that a parallel logout has deleted.
      await this.#row(key).update({ data, expires });
    } else {
      await this.#db<Row>("session").insert({ id: hash(key), data, expires });
      this.#remember(ctx, key);
    }
  }

  async destroy(key: string): Promise<void> {
    await this.#row(key).delete();
  }

  #row(key: string) {
    return this.#db<Row>("session").where("id", hash(key));
  }

  #remember(ctx: object, key: string): void {
    this.#seen.set(ctx, (this.#seen.get(ctx) ?? new Set()).add(key));
  }
}

function hash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
