import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Middleware } from "./context.ts";

const saneRequestId = /^[\w.-]{1,64}$/;
const quietPaths = new Set(["/healthz", "/readyz"]);

/** Gives each request an id and a logger, and writes one line about it, without query or body. */
export function accessLog(log: Logger): Middleware {
  return async function accessLog(ctx, next) {
    const start = performance.now();
    const given = ctx.get("X-Request-Id");
    ctx.state.requestId = saneRequestId.test(given) ? given : randomUUID();
    ctx.state.log = log.child({ requestId: ctx.state.requestId });
    ctx.set("X-Request-Id", ctx.state.requestId);

    await next();

    const { error } = ctx.state;
    const line = {
      method: ctx.method,
      route: ctx._matchedRoute ?? "unmatched",
      path: ctx.path,
      status: ctx.status,
      durationMs: Math.round(performance.now() - start),
      ...(error && { code: error.code }),
      ...(error && error.status >= 500 && { err: error.cause ?? error }),
    };
    if (ctx.status === 500) ctx.state.log.error(line, "request");
    else if (ctx.status === 503 && !quietPaths.has(ctx.path)) ctx.state.log.warn(line, "request");
    else ctx.state.log[quietPaths.has(ctx.path) ? "debug" : "info"](line, "request");
  };
}
