import { type IncomingMessage, STATUS_CODES } from "node:http";

import type { Context, Middleware } from "../context.ts";
import { type HttpError, statusError, toHttpError } from "../httpError.ts";
import { limits, submittedPost } from "../posts/postForm.ts";

/** A link to `//evil.example` would lead to another site. */
const ownPath = /^\/(?![/\\])/;

/** Answers every error with a page, without the database, which may be unavailable. */
export const errorPages: Middleware = async function errorPages(ctx, next) {
  try {
    await next();
    if (ctx.status >= 400 && ctx.body == null) throw statusError(ctx.status);
  } catch (error) {
    showError(ctx, toHttpError(error));
  }
};

/** For errors of a busy blog or an unavailable database. */
const RETRY_AFTER_S = "5";
/** Bytes of a refused form that are still read. */
const MAX_REST = 1024 * 1024;
/** After a connection reset during sending, a browser may not read the response. So the connection stays open. */
const LINGER_MS = 1000;

function limitRest(req: IncomingMessage): void {
  let rest = MAX_REST;
  req.on("data", (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest > 0) return;
    req.pause();
    setTimeout(() => req.destroy(), LINGER_MS).unref();
  });
  // The body parser has paused the request.
  req.resume();
}

function showError(ctx: Context, error: HttpError): void {
  if (!ctx.req.complete) limitRest(ctx.req);
  ctx.state.error = error;
  ctx.status = error.status;
  if (error.status === 503) ctx.set("Retry-After", RETRY_AFTER_S);
  ctx.render("error.html", {
    title: STATUS_CODES[error.status],
    problem: error,
    requestId: ctx.state.requestId,
    retry: ctx.method === "GET" && ownPath.test(ctx.url) ? ctx.url : null,
    form: error.code === "CSRF_TOKEN" ? submittedPost(ctx) : null,
    ...limits,
  });
}
