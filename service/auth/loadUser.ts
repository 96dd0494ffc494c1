import type { Knex } from "knex";

import type { Middleware, User } from "../context.ts";

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

export const requireLogin: Middleware = async function requireLogin(ctx, next) {
  if (ctx.state.user) await next();
  else ctx.redirect("/auth/login");
};
