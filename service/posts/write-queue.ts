import pLimit from "p-limit";
import type { LimitFunction } from "p-limit";
import { unavailable } from "../errors.ts";

/** Writes under way at once. Below the size of the pool (db/config.ts): the other connections are for readers. */
const CONCURRENCY = 2;
/** With the second that a write waits for a lock (db/client.ts), still below the deadline of a request. */
const MAX_WAIT_MS = 400;

/**
 * Lets writes to posts wait here instead of in the database, where each that meets a lock holds a connection: those to one
 * post one after the other, all of them a few at a time. A write that has waited too long is never begun.
 */
export class WriteQueue {
  readonly #all = pLimit(CONCURRENCY);
  readonly #posts = new Map<number, LimitFunction>();

  /** Creates a post. @throws {HttpError} 503 if it would have to wait too long, as from `change` */
  create<T>(write: () => PromiseLike<T>): Promise<T> {
    return this.#all(inTime(write));
  }

  /** Changes or deletes the post `id`. */
  async change<T>(id: number, write: () => PromiseLike<T>): Promise<T> {
    const limit = this.#posts.get(id) ?? pLimit(1);
    this.#posts.set(id, limit);
    const begin = inTime(write);
    try {
      return await limit(() => this.#all(begin));
    } finally {
      if (limit.activeCount + limit.pendingCount === 0) this.#posts.delete(id);
    }
  }
}

/** The write, or 503 if its turn comes too late. */
function inTime<T>(write: () => PromiseLike<T>): () => Promise<T> {
  const asked = performance.now();
  return async () => {
    if (performance.now() - asked > MAX_WAIT_MS) throw unavailable("WRITE_QUEUE");
    return write();
  };
}
