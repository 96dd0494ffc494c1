import pLimit from "p-limit";
import { unavailable } from "../errors.ts";
import { hashPassword, verifyPassword } from "./werkzeug-hash.ts";

/**
 * Hashing runs in Node's pool of four threads, where it would hold up file reads and name look-ups, and takes 32 MiB at a
 * time: so two at once, and a short queue.
 */
const CONCURRENCY = 2;
const MAX_WAITING = 20;

/** Hashes and verifies passwords, a few at a time. @throws {HttpError} 503 from each method when too many are waiting */
export class PasswordHasher {
  readonly #limit = pLimit(CONCURRENCY);

  hash(password: string): Promise<string> {
    return this.#enqueue(() => hashPassword(password));
  }

  verify(password: string, stored: string): Promise<boolean> {
    return this.#enqueue(() => verifyPassword(password, stored));
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#limit.pendingCount >= MAX_WAITING) throw unavailable("PASSWORD_QUEUE_FULL");
    return this.#limit(work);
  }
}
