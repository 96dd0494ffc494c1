import { STATUS_CODES } from "node:http";

import type { Context, Middleware } from "../context.ts";
import { type HttpError, statusError, toHttpError } from "../httpError.ts";

/** A link to `//evil.example` would lead to another site. */
const ownPath = /^\/(?![/\\])/;
/** For errors of a busy blog or an unavailable database. */
const RETRY_AFTER_S = "5";

/**
 * Answers every error with a page, without the database, which may be unavailable.
 *
 * @param submittedForm what the page keeps of a form, so that its text is not lost
 */
export function errorPages(submittedForm: (ctx: Context) => object | null): Middleware {
  return async function errorPages(ctx, next) {
    try {
      await next();
      if (ctx.status >= 400 && ctx.body == null) throw statusError(ctx.status);
    } catch (error) {
      showError(ctx, toHttpError(error), submittedForm(ctx));
    }
  };
}

function showError(ctx: Context, error: HttpError, form: object | null): void {
  ctx.state.error = error;
  ctx.status = error.status;
  if (error.status === 503) ctx.set("Retry-After", RETRY_AFTER_S);
  ctx.render("error.html", {
    title: STATUS_CODES[error.status],
    problem: error,
    requestId: ctx.state.requestId,
    retry: ctx.method === "GET" && ownPath.test(ctx.url) ? ctx.url : null,
    form,
  });
}
