import helmet from "koa-helmet";

import type { Middleware } from "../context.ts";

export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // With `no-referrer`, browsers send `Origin: null` with the blog's own forms.
  referrerPolicy: { policy: "same-origin" },
  // The proxy that terminates TLS sets HSTS. On a blog without TLS, HSTS would lock readers out.
  strictTransportSecurity: false,
  xFrameOptions: { action: "deny" },
}) as Middleware;

/**
 * Pages differ by user, so shared caches may not store them. With `no-store`, the Back button would show an empty form.
 * Static files replace this header.
 */
export const revalidate: Middleware = async function revalidate(ctx, next) {
  ctx.set("Cache-Control", "private, no-cache");
  await next();
};

/** Behind a proxy that terminates TLS, the connection is http. Koa would refuse to set secure cookies. */
export const allowSecureCookies: Middleware = async function allowSecureCookies(ctx, next) {
  ctx.cookies.secure = true;
  await next();
};
