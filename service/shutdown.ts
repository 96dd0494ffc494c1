import type { Server } from "node:http";
import type { Knex } from "knex";
import type { Logger } from "pino";

interface Shutdown {
  log: Logger;
  /** How long requests in flight may take, in milliseconds. */
  graceMs: number;
  drain: () => void;
  servers: Server[];
  db: Knex;
}

/**
 * On SIGTERM or SIGINT: accepts nothing new, finishes what is in flight, closes the pool, exits with 0. With 1 if the time
 * is up before; at once at a second signal.
 */
export function onShutdown({ log, graceMs, drain, servers, db }: Shutdown): void {
  const closers = servers.map(closer);
  let stopping = false;

  async function stop(): Promise<void> {
    drain();
    await Promise.all(closers.map((close) => close()));
    await db.destroy();
    log.info("stopped");
    process.exit(0);
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, "stopping");
      setTimeout(() => {
        log.warn({ code: "SHUTDOWN_GRACE" }, "stopped before every request was finished");
        process.exit(1);
      }, graceMs).unref();
      void stop();
    });
  }
}

/**
 * A function that closes the server and resolves when the last response has been sent. Node would also wait for
 * connections that have not sent a request yet, which browsers open in advance.
 */
function closer(server: Server): () => Promise<void> {
  let inFlight = 0;
  let onIdle: (() => void) | undefined;

  server.on("request", (_request, response) => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
      if (inFlight === 0) onIdle?.();
    });
  });

  return () =>
    new Promise((resolve) => {
      onIdle = () => {
        server.closeAllConnections();
      };
      server.close(() => {
        resolve();
      });
      if (inFlight === 0) onIdle();
    });
}
