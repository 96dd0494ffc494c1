import pLimit from "p-limit";

import { unavailable } from "../httpError.ts";
import { hashPassword, verifyPassword } from "./werkzeugHash.ts";

/** A hash takes one CPU for 100 ms. Two at a time would slow down pages. */
const CONCURRENCY = 1;
const MAX_WAITING = 20;
/** After a longer wait, the hash would end after the request's deadline. */
const MAX_WAITING_MS = 1000;

/** Hashes and verifies passwords, one at a time. @throws {HttpError} 503 from each method if the queue is full */
export class PasswordHasher {
  readonly #limit = pLimit(CONCURRENCY);

  /** Call this before other work for a hash. @throws {HttpError} 503 if the queue is full */
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
