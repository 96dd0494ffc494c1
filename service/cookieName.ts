import type { Context } from "./context.ts";

const defaultPorts = ["80", "443"];

/**
 * The name of a cookie, such as `session-30423`. Browsers send a host's cookies to all of its ports. Two stacks on one
 * host would overwrite each other's cookies.
 *
 * The port is the one in the browser's address bar. All pods see the same port.
 */
export function cookieName(ctx: Context, name: string): string {
  const port = /:(\d{1,5})$/.exec(ctx.host)?.[1];
  return port === undefined || defaultPorts.includes(port) ? name : `${name}-${port}`;
}
