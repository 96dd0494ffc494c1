import { createHash } from "node:crypto";
import type { Knex } from "knex";

interface Row {
  id: string;
  data: string;
  expires: string;
}

interface StoreOptions {
  /** The request; here only its identity counts. */
  ctx: object;
}

/** koa-session's store interface on MySQL. Only hashes of the keys are stored: a leaked table is no set of log-ins. */
export class SessionStore {
  readonly #db: Knex;
  /** The keys that a request has seen in the database. */
  readonly #seen = new WeakMap<object, Set<string>>();

  constructor(db: Knex) {
    this.#db = db;
  }

  async get(key: string, _maxAge: number, { ctx }: StoreOptions): Promise<unknown> {
    const row = await this.#row(key).first("data").where("expires", ">", this.#db.raw("UTC_TIMESTAMP()"));
    if (row === undefined) return undefined;
    this.#remember(ctx, key);
    return row.data;
  }

  /** @param maxAge in milliseconds */
  async set(key: string, session: object, maxAge: number, { ctx }: StoreOptions): Promise<void> {
    const data = JSON.stringify(session);
    const expires = this.#db.raw<string>("UTC_TIMESTAMP() + INTERVAL ? SECOND", [Math.ceil(maxAge / 1000)]);
    if (this.#seen.get(ctx)?.has(key)) {
      // Not an upsert: it would bring back a session that another request has logged out meanwhile.
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
