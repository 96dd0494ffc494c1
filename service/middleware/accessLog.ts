import { randomUUID } from "node:crypto";

import type { Logger } from "pino";

import type { Middleware } from "../context.ts";
import { errorFields } from "../log.ts";

const validRequestId = /^[\w.-]{1,64}$/;
const probes = new Set(["/healthz", "/readyz"]);

/** Gives each request an id, and logs one line without query and body, which can contain secrets. */
export function accessLog(log: Logger): Middleware {
  return async function accessLog(ctx, next) {
    const start = performance.now();
    const given = ctx.get("X-Request-Id");
    ctx.state.requestId = validRequestId.test(given) ? given : randomUUID();
    ctx.set("X-Request-Id", ctx.state.requestId);

    await next();

    const { error, user } = ctx.state;
    const line = {
      client: { ip: ctx.ip },
      ...(user && { user: { id: String(user.id) } }),
      http: {
        request: { id: ctx.state.requestId, method: ctx.method },
        response: { status_code: ctx.status },
      },
      url: { path: ctx.path },
      labels: { route: ctx._matchedRoute ?? "unmatched" },
      // ECS durations are in nanoseconds.
      event: { duration: Math.round((performance.now() - start) * 1e6) },
      // A stack trace would not explain an error of the client.
      ...(error && {
        error: error.status < 500 ? { code: error.code } : errorFields(error.cause ?? error, error.code),
      }),
    };
    const isProbe = probes.has(ctx.path);
    if (ctx.status === 500) log.error(line, "request");
    else if (ctx.status === 503 && !isProbe) log.warn(line, "request");
    else log[isProbe ? "debug" : "info"](line, "request");
  };
}
