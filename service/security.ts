import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";
import type { Middleware } from "./context.ts";

/** Headers that keep a browser from doing with our pages what they are not for. */
export function securityHeaders(): Middleware {
  const protect = helmet({
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
    // With `no-referrer`, browsers send `Origin: null` with our own forms.
    referrerPolicy: { policy: "same-origin" },
    // Whoever terminates TLS decides on this one. Over plain http it would lock readers out.
    strictTransportSecurity: false,
    xFrameOptions: { action: "deny" },
  });
  // They are the same for each answer, so they are computed once.
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  protect(response.req, response, (error) => {
    if (error) throw error as Error;
  });
  const headers = response.getHeaders() as Record<string, string>;

  return async function securityHeaders(ctx, next) {
    ctx.set(headers);
    await next();
  };
}

/** Pages depend on who reads them, so no cache may keep them. Static files set a header of their own. */
export const noStore: Middleware = async function noStore(ctx, next) {
  ctx.set("Cache-Control", "no-store");
  await next();
};

/** Behind a proxy that terminates TLS the connection is plain, yet the cookies may be set as secure. */
export const allowSecureCookies: Middleware = async function allowSecureCookies(ctx, next) {
  ctx.cookies.secure = true;
  await next();
};
