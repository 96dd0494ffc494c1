import { STATUS_CODES } from "node:http";
import type { Context, Middleware } from "./context.ts";
import { statusError, toHttpError } from "./errors.ts";
import type { HttpError } from "./errors.ts";
import { limits, submittedPost } from "./posts/form.ts";

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

function showError(ctx: Context, error: HttpError): void {
  ctx.state.error = error;
  ctx.status = error.status;
  if (error.retryAfter !== undefined) ctx.set("Retry-After", String(error.retryAfter));
  ctx.render("error.html", {
    title: STATUS_CODES[error.status],
    problem: error,
    requestId: ctx.state.requestId,
    retry: ctx.method === "GET" ? ctx.url : null,
    form: error.code === "CSRF_TOKEN" ? submittedPost(ctx) : null,
    ...limits,
  });
}
