/** URL of the blog. With 0.0.0.0 or ::, the blog listens on all addresses, and the URL has localhost. */
export function blogUrl({ listenAddress, hostPort }: { listenAddress: string; hostPort: number }): string {
  const host = ["0.0.0.0", "::"].includes(listenAddress) ? "localhost" : listenAddress;
  return `http://${host.includes(":") ? `[${host}]` : host}:${String(hostPort)}`;
}
