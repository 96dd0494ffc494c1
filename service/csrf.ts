import { randomBytes } from "node:crypto";
import type Keygrip from "keygrip";
import type { Context, Middleware } from "./context.ts";
import { HttpError } from "./errors.ts";
import { optionalField } from "./form.ts";

const FIELD = "_csrf";
const GUEST_COOKIE = "guest";
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Refuses requests that a page of another site has made the browser send. */
export const requireSameOrigin: Middleware = async function requireSameOrigin(ctx, next) {
  if (!safeMethods.has(ctx.method) && isCrossOrigin(ctx)) {
    throw new HttpError(403, "CROSS_ORIGIN", "This form was sent from another site, so nothing was changed.");
  }
  await next();
};

function isCrossOrigin(ctx: Context): boolean {
  const site = ctx.get("Sec-Fetch-Site");
  if (site !== "") return site !== "same-origin" && site !== "none";
  // Browsers send Sec-Fetch-Site only to https and to localhost.
  const origin = ctx.get("Origin");
  return origin !== "" && (!URL.canParse(origin) || new URL(origin).host !== ctx.host);
}

/** Refuses a form without the token that the page with the form had. */
export const requireCsrfToken: Middleware = async function requireCsrfToken(ctx, next) {
  if (!safeMethods.has(ctx.method) && !hasValidToken(ctx)) {
    throw new HttpError(403, "CSRF_TOKEN", "This form has expired, so nothing was changed. Please send it again.");
  }
  await next();
};

/**
 * The token for a form on the page that is being rendered: a signature of the session's id. A guest has no session, so
 * gets a cookie with a random number in its place; nothing is stored.
 */
export function csrfToken(ctx: Context): string {
  return keys(ctx).sign(`csrf:${sessionId(ctx) ?? guestId(ctx) ?? newGuestId(ctx)}`);
}

function hasValidToken(ctx: Context): boolean {
  const id = sessionId(ctx) ?? guestId(ctx);
  const token = optionalField(ctx, FIELD);
  return id !== undefined && token !== undefined && keys(ctx).verify(`csrf:${id}`, token);
}

function sessionId(ctx: Context): string | undefined {
  return ctx.state.user ? ctx.session?.externalKey : undefined;
}

function guestId(ctx: Context): string | undefined {
  return ctx.cookies.get(GUEST_COOKIE);
}

function newGuestId(ctx: Context): string {
  const id = randomBytes(16).toString("base64url");
  ctx.cookies.set(GUEST_COOKIE, id, { sameSite: "lax", secure: ctx.cookies.secure });
  return id;
}

function keys(ctx: Context): Keygrip {
  return ctx.app.keys as Keygrip;
}
