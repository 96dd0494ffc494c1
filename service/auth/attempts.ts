import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Knex } from "knex";

interface Limit {
  /** What is counted; other things are counted apart. */
  what: string;
  /** How many attempts a window has. */
  attempts: number;
  /** Seconds from the first attempt on, after which all are forgotten. */
  window: number;
}

/** Counts attempts, in the database: so that replicas share the counts, and a restart forgets none. */
export class Attempts {
  readonly #db: Knex;
  readonly #limit: Limit;

  constructor(db: Knex, limit: Limit) {
    this.#db = db;
    this.#limit = limit;
  }

  /**
   * Counts an attempt before it is made, so that many at once are not one.
   *
   * @param by what it is counted by: a name, an address
   * @returns how many seconds to wait before the next one, 0 if there are attempts left
   */
  async count(...by: string[]): Promise<number> {
    const { attempts, window } = this.#limit;
    const id = this.#id(by);
    // LAST_INSERT_ID hands the count to this attempt alone; `count` still sees the old `expires`, as MySQL assigns from left to
    // right: https://dev.mysql.com/doc/refman/9.7/en/information-functions.html#function_last-insert-id
    const [{ insertId: count }] = (await this.#db.raw(
      `INSERT INTO attempt (id, count, expires) VALUES (?, 1, UTC_TIMESTAMP() + INTERVAL ? SECOND)
       ON DUPLICATE KEY UPDATE
         count = LAST_INSERT_ID(IF(expires <= UTC_TIMESTAMP(), 1, count + 1)),
         expires = IF(expires <= UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL ? SECOND, expires)`,
      [id, window, window],
    )) as [{ insertId: number }];
    if (count <= attempts) return 0;
    const row = await this.#db<{ id: string }>("attempt")
      .first<{ seconds: number } | undefined>(
        this.#db.raw("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), expires) AS seconds"),
      )
      .where({ id });
    return Math.max(row?.seconds ?? 0, 1);
  }

  /** Takes an attempt back that came to nothing. */
  async takeBack(...by: string[]): Promise<void> {
    await this.#db<{ id: string; count: number }>("attempt")
      .where({ id: this.#id(by) })
      .andWhere("count", ">", 0)
      .decrement("count");
  }

  /** Forgets the attempts. */
  async reset(...by: string[]): Promise<void> {
    await this.#db<{ id: string }>("attempt")
      .where({ id: this.#id(by) })
      .delete();
  }

  #id(by: string[]): string {
    return createHash("sha256")
      .update([this.#limit.what, ...by].join("\0"))
      .digest("hex");
  }
}

/**
 * One text for all spellings that MySQL takes for the same name: by case, accents, strokes or invisible characters. MySQL says
 * which: nothing in JavaScript knows that "øther" is "other".
 */
export async function canonicalName(db: Knex, username: string): Promise<string> {
  const [[row]] = (await db.raw("SELECT SHA2(WEIGHT_STRING(? COLLATE utf8mb4_0900_ai_ci), 256) AS name", [
    username,
  ])) as [[{ name: string }]];
  return row.name;
}

/** What of an address counts: of an IPv6 address its first half, since whoever has one address there has them all. */
export function network(address: string): string {
  if (!isIPv6(address) || address.includes(".")) return address;
  const [front = [], back = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
