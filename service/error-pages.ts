import { STATUS_CODES } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Context, Middleware } from "./context.ts";
import { statusError, toHttpError } from "./errors.ts";
import type { HttpError } from "./errors.ts";
import { limits, submittedPost } from "./posts/form.ts";

/** Not what a browser takes for another site: `//evil.example`. */
const ownPath = /^\/(?![/\\])/;

/** Answers every error with a page. Nothing here may query the database: it may be what failed. */
export function errorPages(): Middleware {
  return async function errorPages(ctx, next) {
    try {
      await next();
      if (ctx.status >= 400 && ctx.body == null) throw statusError(ctx.status);
    } catch (error) {
      showError(ctx, toHttpError(error));
    }
  };
}

/** What is still read of a form that is refused: nobody sends for ever. */
const MAX_REST = 1024 * 1024;
/** Then the connection stays for a moment: a browser that sees it closed while it sends may not look for the answer. */
const LINGER_MS = 1000;

function limitRest(req: IncomingMessage): void {
  let rest = MAX_REST;
  req.on("data", (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest > 0) return;
    req.pause();
    setTimeout(() => req.destroy(), LINGER_MS).unref();
  });
  // The parser has paused it.
  req.resume();
}

function showError(ctx: Context, error: HttpError): void {
  if (!ctx.req.complete) limitRest(ctx.req);
  ctx.state.error = error;
  ctx.status = error.status;
  if (error.retryAfter !== undefined) ctx.set("Retry-After", String(error.retryAfter));
  ctx.render("error.html", {
    title: STATUS_CODES[error.status],
    problem: error,
    requestId: ctx.state.requestId,
    retry: ctx.method === "GET" && ownPath.test(ctx.url) ? ctx.url : null,
    form: error.code === "CSRF_TOKEN" ? submittedPost(ctx) : null,
    ...limits,
  });
}
