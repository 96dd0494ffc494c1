import type { Context, Middleware } from "../context.ts";
import { HttpError } from "../httpError.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses forms of other sites, as Go's CrossOriginProtection does: https://go.dev/src/net/http/csrf.go
 *
 * @param ownOrigin the blog's origin in browsers, if a proxy sends another host name. Defaults to the Host header
 */
export function requireSameOrigin(ownOrigin?: string): Middleware {
  return async function requireSameOrigin(ctx, next) {
    if (!safeMethods.has(ctx.method)) check(ctx, ownOrigin ?? `http://${ctx.host}`);
    await next();
  };
}

/** @throws {HttpError} 403 */
function check(ctx: Context, ownOrigin: string): void {
  const site = ctx.get("Sec-Fetch-Site");
  if (site === "same-origin" || site === "none") return;
  if (site !== "") throw crossOrigin("This form was sent from another site, so nothing was changed.");
  // Browsers send Sec-Fetch-Site only to https and to localhost.
  const origin = ctx.get("Origin");
  if (origin === "") return;
  const [other, own] = [hostName(origin), hostName(ownOrigin)];
  // Proxies may drop the port of the Host header. Cookies ignore ports, too.
  if (other !== undefined && other === own) return;
  throw crossOrigin(
    `This form was sent from the site ${other ?? origin}, so nothing was changed. This blog's host name is ` +
      `${own ?? ctx.host}. If both are this blog, its operator must set ORIGIN.`,
  );
}

function hostName(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function crossOrigin(message: string): HttpError {
  return new HttpError(403, "CROSS_ORIGIN", message);
}
