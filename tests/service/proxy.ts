import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy in front of MySQL, which can refuse connections or hang. */
export class Proxy {
  port = 0;
  /** Delay of MySQL's answers in milliseconds. */
  delay = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #isSilent = false;

  constructor(target: number) {
    this.#target = target;
  }

  /** Accepts connections. The port stays the same. */
  async open(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(this.#target, "127.0.0.1");
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("data", (data) => {
          if (this.#isSilent) return;
          if (from === client || this.delay === 0) to.write(data);
          else setTimeout(() => to.write(data), this.delay);
        });
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** Closes every connection and refuses new ones, like a stopped server. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Accepts connections but forwards nothing, like a hanging server or a network that drops packets. */
  set silent(isSilent: boolean) {
    this.#isSilent = isSilent;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }
}
