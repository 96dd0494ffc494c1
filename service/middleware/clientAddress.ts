import { isIP } from "node:net";

import type { Middleware } from "../context.ts";

/**
 * Removes the port that some proxies append, such as Azure's gateway, and the prefix of IPv4 addresses on IPv6 sockets.
 * A proxy may send "unknown" instead of an IP address. The connection's IP address is used then.
 */
export const clientAddress: Middleware = async function clientAddress(ctx, next) {
  const address = [ctx.ip, ctx.socket.remoteAddress ?? ""].map(withoutPort).find((candidate) => isIP(candidate) > 0);
  ctx.request.ip = address ?? "";
  await next();
};

function withoutPort(address: string): string {
  return address.replace(/^(\d+(?:\.\d+){3}):\d+$|^\[(.+)\](?::\d+)?$/, "$1$2").replace(/^::ffff:(?=[\d.]+$)/i, "");
}
