import type { Middleware } from "./context.ts";
import { unavailable } from "./errors.ts";

/**
 * Waits for `work`, but no longer than `limit` milliseconds.
 *
 * @throws {HttpError} 503 when time is up; the work itself goes on, with its own limits
 */
export async function withDeadline<T>(limit: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable("DEADLINE"));
    }, limit);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Answers 503 instead of keeping a reader waiting, however many steps of a request are slow. */
export function deadline(limit: number): Middleware {
  return async function deadline(_ctx, next) {
    await withDeadline(limit, next());
  };
}
