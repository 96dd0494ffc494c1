import type { Knex } from "knex";

import type { Middleware, User } from "../context.ts";
import { HttpError } from "../httpError.ts";

/** Sets `ctx.state.user` from the session. A deleted user is logged out. */
export function loadUser(db: Knex): Middleware {
  return async function loadUser(ctx, next) {
    const userId = ctx.session?.userId;
    ctx.state.user =
      userId === undefined ? null : ((await db<User>("user").first("id", "username").where("id", userId)) ?? null);
    if (userId !== undefined && ctx.state.user === null) ctx.session = null;
    await next();
  };
}

/** Redirects guests to the login page. A form with text gets an error page, which keeps the text. */
export const requireLogin: Middleware = async function requireLogin(ctx, next) {
  if (ctx.state.user) {
    await next();
  } else if (Object.keys(ctx.request.body ?? {}).length > 0) {
    throw new HttpError(403, "LOGGED_OUT", "You are logged out. Please log in in another tab, then save again.");
  } else {
    ctx.redirect("/auth/login");
  }
};
