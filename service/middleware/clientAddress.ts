import { isIP, isIPv4, isIPv6 } from "node:net";

import type { Middleware } from "../context.ts";

/**
 * Gives `ctx.ip` one notation, so that limits count each client once. A proxy may send "unknown" instead of an IP
 * address. The connection's IP address is used then.
 */
export const clientAddress: Middleware = async function clientAddress(ctx, next) {
  const addresses = [ctx.ip, ctx.socket.remoteAddress ?? ""];
  ctx.request.ip = addresses.map(canonicalAddress).find((address) => address !== undefined) ?? "";
  await next();
};

/**
 * The IP address in the notations of proxies, such as `203.0.113.7:5001`, `[2001:db8::1]:443`, `"[2001:db8::1]"`,
 * `fe80::1%eth0` and `::ffff:203.0.113.7`. Undefined for other texts.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = text
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .replace(/%[^\]]*/, "")
    .replace(/^\[(.*)\](:\d*)?$/, "$1");
  const found = [address, address.replace(/:\d*$/, "")].find((candidate) => isIP(candidate));
  if (found === undefined || isIPv4(found)) return found;
  const ipv6 = new URL(`http://[${found}]`).hostname.slice(1, -1);
  const [, ...groups] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(ipv6) ?? [];
  if (groups.length === 0) return ipv6;
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]).join(".");
}

/**
 * Limits count an IPv4 address or an IPv6 /64 network. A client can use every address of its /64 network.
 *
 * @param address a result of `canonicalAddress`
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = [], back = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
