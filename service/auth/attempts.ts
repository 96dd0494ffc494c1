import { createHash } from "node:crypto";

import type { Knex } from "knex";

interface Limit {
  /** Such as `login`. */
  what: string;
  /** Attempts allowed per window. */
  attempts: number;
  /** Seconds from the first attempt until the counter expires. */
  window: number;
}

/** Counts attempts in the database, so that replicas share the counters and restarts keep them. */
export class Attempts {
  readonly #db: Knex;
  readonly #limit: Limit;

  constructor(db: Knex, limit: Limit) {
    this.#db = db;
    this.#limit = limit;
  }

  /**
   * Counts an attempt before it is made.
   *
   * @param by a user name, an IP address, or both
   * @returns the seconds to wait, or 0 if the attempt is allowed
   */
  async count(...by: string[]): Promise<number> {
    const { attempts, window } = this.#limit;
    // One statement increments the counter and returns it, so parallel attempts are all counted.
    // MySQL assigns from left to right, so `count` still reads the old `expires`.
    // https://dev.mysql.com/doc/refman/9.7/en/information-functions.html#function_last-insert-id
    const [{ insertId: count }] = (await this.#db.raw(
      `INSERT INTO attempt (id, count, expires) VALUES (?, 1, UTC_TIMESTAMP() + INTERVAL ? SECOND)
       ON DUPLICATE KEY UPDATE
         count = LAST_INSERT_ID(IF(expires <= UTC_TIMESTAMP(), 1, count + 1)),
         expires = IF(expires <= UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL ? SECOND, expires)`,
      [this.#id(by), window, window],
    )) as [{ insertId: number }];
    if (count <= attempts) return 0;
    const left = this.#db.raw("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), expires) AS seconds");
    const row = await this.#counter(by).first<{ seconds: number } | undefined>(left);
    return Math.max(row?.seconds ?? 0, 1);
  }

  /** Uncounts an attempt that failed with an error. */
  async takeBack(...by: string[]): Promise<void> {
    await this.#counter(by).andWhere("count", ">", 0).decrement("count");
  }

  async reset(...by: string[]): Promise<void> {
    await this.#counter(by).delete();
  }

  #counter(by: string[]) {
    return this.#db<{ id: string; count: number }>("attempt").where("id", this.#id(by));
  }

  #id(by: string[]): string {
    return createHash("sha256")
      .update([this.#limit.what, ...by].join("\0"))
      .digest("hex");
  }
}

/**
 * One text for all names that are equal in MySQL's collation, which ignores case, accents and invisible characters.
 * JavaScript has no such collation. "øther" equals "other" in MySQL.
 */
export async function canonicalName(db: Knex, username: string): Promise<string> {
  const [[row]] = (await db.raw("SELECT SHA2(WEIGHT_STRING(? COLLATE utf8mb4_0900_ai_ci), 256) AS name", [
    username,
  ])) as [[{ name: string }]];
  return row.name;
}
