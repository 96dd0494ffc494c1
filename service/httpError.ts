import { unavailableCode } from "../db/errors.ts";

/** An error with a page of its own. Readers see the message. The code in the log never changes. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }
}

const messages: Record<number, string> = {
  400: "This request could not be understood.",
  404: "There is no such page.",
  405: "This page does not accept that kind of request.",
  413: "This is more text than the blog accepts at once.",
};

/** For a status without a specific error. */
export function statusError(status: number, cause?: unknown): HttpError {
  return new HttpError(status, `HTTP_${String(status)}`, messages[status] ?? "This request was refused.", cause);
}

export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const code = unavailableCode(error);
  if (code !== undefined) {
    return new HttpError(503, code, "The blog cannot answer right now. Please try again in a moment.", error);
  }
  // Errors of Koa and its parsers, such as a body that is too large.
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500) return statusError(status, error);
  return new HttpError(500, "INTERNAL_ERROR", "Something went wrong on our side.", error);
}
