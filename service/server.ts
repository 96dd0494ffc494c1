// `node service/server.ts` runs the blog. README.md lists its environment variables.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import closeWithGrace from "close-with-grace";
import knex from "knex";

import { serviceKnexConfig } from "../db/knexConfig.ts";
import { createApp } from "./app.ts";
import { deleteExpiredCounters } from "./auth/rateLimits.ts";
import { deleteExpiredSessions } from "./auth/sessions.ts";
import { readEnvironment, serviceVariables } from "./environment.ts";
import { createLogger, errorFields } from "./log.ts";
import { createMetricsServer } from "./metrics.ts";

const SWEEP_INTERVAL_MS = 10 * 60 * 1000;

const environment = readEnvironment(serviceVariables);
const log = createLogger(environment.LOG_LEVEL);
const db = knex(serviceKnexConfig(environment, log));
const { app, metrics, drain } = createApp(environment, db, log);
const handle = app.callback();
const timeouts = {
  // Against Slowloris. 30 s are enough for the largest form over a slow connection.
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Node checks the two timeouts every 30 s by default.
  connectionsCheckingInterval: 5000,
  // If the blog closes an idle connection before the load balancer does, readers get a 502. Google's waits for 600 s.
  keepAliveTimeout: 620_000,
};
const server = createServer(timeouts, (req, res) => void handle(req, res));
const metricsServer = createMetricsServer(metrics);
const closers = [closer(server), closer(metricsServer)];

closeWithGrace(
  {
    delay: environment.SHUTDOWN_GRACE * 1000,
    onTimeout: () => {
      log.warn({ error: { code: "SHUTDOWN_GRACE" } }, "stopped before every request was finished");
    },
  },
  async ({ err: error, signal }) => {
    if (error) {
      // The state of the process is unknown.
      log.fatal({ error: errorFields(error, "CRASH") }, "uncaught error");
      return;
    }
    log.info({ labels: { signal } }, "stopping");
    drain();
    await Promise.all(closers.map((close) => close()));
    await db.destroy();
    log.info("stopped");
  },
);

setInterval(() => {
  Promise.all([deleteExpiredSessions(db), deleteExpiredCounters(db)]).catch((error: unknown) => {
    log.warn({ error: errorFields(error) }, "expired rows could not be deleted");
  });
}, SWEEP_INTERVAL_MS).unref();
await once(metricsServer.listen(environment.METRICS_PORT), "listening");
await once(server.listen(environment.PORT), "listening");
log.info({ server: { port: portOf(server) }, labels: { metrics_port: portOf(metricsServer) } }, "listening");

/**
 * A function that closes the server after the last response. Browsers open connections in advance, and Node's `close`
 * would also wait for those without a request.
 */
function closer(listener: Server): () => Promise<void> {
  let inFlight = 0;
  const closeConnections = () => {
    if (inFlight === 0 && !listener.listening) listener.closeAllConnections();
  };
  listener.on("request", (_request, response) => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
      closeConnections();
    });
  });
  return () =>
    new Promise((resolve) => {
      listener.close(() => {
        resolve();
      });
      closeConnections();
    });
}

function portOf(listener: Server): number {
  return (listener.address() as AddressInfo).port;
}
