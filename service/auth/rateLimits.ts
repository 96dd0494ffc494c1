import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";

import type { Knex } from "knex";
import { RateLimiterMySQL, RateLimiterRes } from "rate-limiter-flexible";

import { deleteInBatches } from "../../db/deleteInBatches.ts";

/** A limit of attempts. All replicas share its counters in MySQL, which have no names and IP addresses. */
export class RateLimit {
  readonly #limiter: RateLimiterMySQL;

  /**
   * @param name such as `login`
   * @param points attempts allowed per duration
   * @param duration seconds from the first attempt until the counter expires
   */
  constructor(db: Knex, database: string, name: string, points: number, duration: number) {
    this.#limiter = new RateLimiterMySQL({
      storeClient: db,
      storeType: "knex",
      dbName: database,
      tableName: "rate_limit",
      tableCreated: true,
      // It would delete all expired rows in one statement, which the time-out of queries ends.
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points,
      duration,
    });
  }

  /**
   * Counts an attempt before it is made.
   *
   * @param parts a user name, an IP address, or both
   * @returns the seconds to wait, or 0 if the attempt is allowed
   */
  async consume(...parts: string[]): Promise<number> {
    try {
      await this.#limiter.consume(hash(parts));
      return 0;
    } catch (refusal) {
      // The counter may have expired since the refusal.
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw refusal;
    }
  }

  async reset(...parts: string[]): Promise<void> {
    await this.#limiter.delete(hash(parts));
  }
}

export async function deleteExpiredCounters(db: Knex): Promise<void> {
  await deleteInBatches(() => db("rate_limit").where("expire", "<", Date.now()));
}

function hash(parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}

/** An IPv4 address, or the /64 network of an IPv6 address. A client can use every address of its /64 network. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = [], back = []] = address
    .toLowerCase()
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
