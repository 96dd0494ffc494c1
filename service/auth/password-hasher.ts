import pLimit from "p-limit";
import { unavailable } from "../errors.ts";
import { hashPassword, verifyPassword } from "./werkzeug-hash.ts";

/**
 * Hashing runs in Node's pool of four threads, where it would hold up file reads and name look-ups, and takes 32 MiB at a
 * time: so two at once, and a short queue.
 */
const CONCURRENCY = 2;
const MAX_WAITING = 20;
/** Who has waited longer would get the hash after the request's deadline, and the work would be for nothing. */
const MAX_WAITING_MS = 1000;

/** Hashes and verifies passwords, a few at a time. @throws {HttpError} 503 from each method when too many are waiting */
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
