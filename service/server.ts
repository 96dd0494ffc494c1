// `node service/server.ts` runs the blog. README.md lists its environment variables.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { closePools, createPools } from "../db/knexConfig.ts";
import { createLogger, errorFields } from "../db/log.ts";
import { readEnvironment } from "../db/parseEnvironment.ts";
import { createApp } from "./app.ts";
import { environmentSchema } from "./environment.ts";
import { createMetricsServer } from "./metrics.ts";
import { startSweeper } from "./startSweeper.ts";

const environment = readEnvironment(environmentSchema);
const log = createLogger(environment.LOG_LEVEL);

// After an uncaught error, the state of the process is unknown.
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: unknown) => {
    log.fatal({ error: errorFields(error, "CRASH") }, event);
    process.exit(1);
  });
}

const pools = createPools(environment, log);
const { app, metrics, drain } = createApp(environment, pools, log);
const handle = app.callback();
const limits = {
  // Against Slowloris. 30 s are enough for the largest form over a slow connection.
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Node checks the two timeouts every 30 s by default.
  connectionsCheckingInterval: 5000,
  // Load balancers keep idle connections for 60 to 90 s. If the blog closes one first, they answer 502.
  keepAliveTimeout: 120_000,
};
const server = createServer(limits, (req, res) => void handle(req, res));
const metricsServer = createMetricsServer(metrics);
const closers = [closer(server), closer(metricsServer)];

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.warn({ error: { code: "SHUTDOWN_GRACE" } }, "stopped before every request was finished");
      process.exit(1);
    }, environment.SHUTDOWN_GRACE * 1000).unref();
    void stop();
  });
}

startSweeper(pools.db, log);
await once(metricsServer.listen(environment.METRICS_PORT), "listening");
await once(server.listen(environment.PORT), "listening");
log.info({ port: portOf(server), metricsPort: portOf(metricsServer) }, "listening");

async function stop(): Promise<void> {
  drain();
  await Promise.all(closers.map((close) => close()));
  await closePools(pools);
  log.info("stopped");
  process.exit(0);
}

/**
 * A function that closes the server after the last response. Browsers open connections in advance, and Node's `close`
 * would also wait for those without a request.
 */
function closer(server: Server): () => Promise<void> {
  let inFlight = 0;
  const closeConnections = () => {
    if (inFlight === 0 && !server.listening) server.closeAllConnections();
  };
  server.on("request", (_request, response) => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
      closeConnections();
    });
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      closeConnections();
    });
}

function portOf(listener: Server): number {
  return (listener.address() as AddressInfo).port;
}
