import { randomBytes } from "node:crypto";

import type Keygrip from "keygrip";

import type { Context, Middleware } from "../context.ts";
import { cookieName } from "../cookieName.ts";
import { HttpError } from "../httpError.ts";
import { optionalField } from "./readForm.ts";

const GUEST_COOKIE = "guest";
const NO_COOKIE =
  "Your browser did not send the cookie of this form, so nothing was changed. " +
  "Please allow cookies for this site, open the form again and send it.";
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Refuses requests from pages of other sites. */
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
  return origin !== "" && !isOwnOrigin(origin, ctx.host);
}

/** Some proxies add the default port to the host, and browsers omit it from the origin. URL removes it from both. */
function isOwnOrigin(origin: string, host: string): boolean {
  const [scheme = ""] = /^https?:\/\//.exec(origin) ?? [];
  const own = scheme + host;
  return scheme !== "" && URL.canParse(origin) && URL.canParse(own) && new URL(origin).host === new URL(own).host;
}

/** Refuses a form without the CSRF token of its page. */
export const requireCsrfToken: Middleware = async function requireCsrfToken(ctx, next) {
  requireTokenOf(ctx, [sessionId(ctx) ?? guestId(ctx)]);
  await next();
};

/**
 * For registration and login. The second request of a double click may have the session cookie from the first response.
 * Its form still has the guest's token.
 */
export const requireGuestCsrfToken: Middleware = async function requireGuestCsrfToken(ctx, next) {
  requireTokenOf(ctx, [guestId(ctx), sessionId(ctx)]);
  await next();
};

/** The CSRF token for a form signs the session's id. A guest has no session and gets a cookie with a random id. */
export function csrfToken(ctx: Context): string {
  return sign(ctx, sessionId(ctx) ?? guestId(ctx) ?? newGuestId(ctx));
}

/** The CSRF token for registration and login. It is a guest's token even if the reader is logged in. */
export function guestCsrfToken(ctx: Context): string {
  return sign(ctx, guestId(ctx) ?? newGuestId(ctx));
}

function sign(ctx: Context, id: string): string {
  return keysOf(ctx).sign(`csrf:${id}`);
}

/** @throws {HttpError} 403 unless the form's token signs one of the ids */
function requireTokenOf(ctx: Context, ids: (string | undefined)[]): void {
  const token = optionalField(ctx, "_csrf");
  if (token !== undefined && ids.some((id) => id !== undefined && keysOf(ctx).verify(`csrf:${id}`, token))) return;
  // A cookie with an invalid signature shows that the browser accepts cookies.
  const cookie = ctx.cookies.get(cookieName(ctx, GUEST_COOKIE), { signed: false });
  if (token !== undefined && !ids.some(Boolean) && cookie === undefined) {
    throw new HttpError(403, "NO_COOKIE", NO_COOKIE);
  }
  throw new HttpError(403, "CSRF_TOKEN", "This form has expired, so nothing was changed. Please send it again.");
}

function sessionId(ctx: Context): string | undefined {
  return ctx.state.user ? ctx.session?.externalKey : undefined;
}

function guestId(ctx: Context): string | undefined {
  return ctx.state.guestId ?? ctx.cookies.get(cookieName(ctx, GUEST_COOKIE));
}

function newGuestId(ctx: Context): string {
  const id = randomBytes(16).toString("base64url");
  ctx.cookies.set(cookieName(ctx, GUEST_COOKIE), id, { sameSite: "lax", secure: ctx.cookies.secure });
  ctx.state.guestId = id;
  return id;
}

export function keysOf(ctx: Context): Keygrip {
  return ctx.app.keys as Keygrip;
}
