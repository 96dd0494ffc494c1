import { unavailable } from "../httpError.ts";

/** @throws {HttpError} 503 after `limit` milliseconds. The work continues, with its own limits. */
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
