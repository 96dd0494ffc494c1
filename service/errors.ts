import { unavailableCode } from "../db/unavailable.ts";

interface Details {
  /** Seconds after which it makes sense to try again. */
  retryAfter?: number;
  cause?: unknown;
}

/** An error with a page of its own. The message is shown to the reader, the code goes to the log and never changes. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, { retryAfter, cause }: Details = {}) {
    super(message, { cause });
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export function unavailable(code: string, cause?: unknown): HttpError {
  const message = "The blog cannot answer right now. Please try again in a moment.";
  return new HttpError(503, code, message, { retryAfter: 5, cause });
}

const messages: Record<number, string> = {
  400: "This request could not be understood.",
  404: "There is no such page.",
  405: "This page does not accept that kind of request.",
  413: "This is more text than the blog accepts at once.",
  415: "The blog only accepts forms.",
};

/** For a status without an error of its own. */
export function statusError(status: number, cause?: unknown): HttpError {
  return new HttpError(status, `HTTP_${String(status)}`, messages[status] ?? "This request was refused.", { cause });
}

/** Turns whatever was thrown into the error to answer with. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const code = unavailableCode(error);
  if (code !== undefined) return unavailable(code, error);
  // Errors of Koa and its parsers, such as a body that is too large.
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500) return statusError(status, error);
  return new HttpError(500, "INTERNAL_ERROR", "Something went wrong on our side.", { cause: error });
}
