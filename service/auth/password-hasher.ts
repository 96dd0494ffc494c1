import pLimit from "p-limit";
import { unavailable } from "../errors.ts";
import { hashPassword, verifyPassword } from "./werkzeug-hash.ts";

/**
 * A hash takes a core for 100 ms, and 32 MiB. Two at once would be as many in a second where there is no core to spare, and
 * pages would wait for both.
 */
const CONCURRENCY = 1;
const MAX_WAITING = 20;
/** Who has waited longer would get the hash after the request's deadline, and the work would be for nothing. */
const MAX_WAITING_MS = 1000;

/** Hashes and verifies passwords, one at a time. @throws {HttpError} 503 from each method when too many are waiting */
export class PasswordHasher {
  readonly #limit = pLimit(CONCURRENCY);

  /** For who has work to do before a hash is needed. @throws {HttpError} 503 if none would be computed now */
  requireRoom(): void {
    if (this.#limit.pendingCount >= MAX_WAITING) throw unavailable("PASSWORD_QUEUE_FULL");
  }

  hash(password: string): Promise<string> {
    return this.#enqueue(() => hashPassword(password));
  }

  verify(password: string, stored: string): Promise<boolean> {
    return this.#enqueue(() => verifyPassword(password, stored));
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    this.requireRoom();
    const since = performance.now();
    return this.#limit(() => {
      if (performance.now() - since > MAX_WAITING_MS) throw unavailable("PASSWORD_QUEUE_FULL");
      return work();
    });
  }
}
