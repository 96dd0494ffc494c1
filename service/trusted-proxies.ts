import type { Middleware } from "./context.ts";

/**
 * Takes the reader's address from X-Forwarded-For, whose last entries are those that trusted proxies have added; what is in
 * front of them anybody can write. Koa's own `proxy` would believe other headers as well.
 *
 * @param count how many proxies there are; with 0 the address is the connection's own
 */
export function trustProxies(count: number): Middleware {
  return async function trustProxies(ctx, next) {
    const addresses = ctx.get("X-Forwarded-For").split(",");
    const address = count > 0 ? addresses.at(-count)?.trim() : undefined;
    if (address) ctx.request.ip = address;
    await next();
  };
}
