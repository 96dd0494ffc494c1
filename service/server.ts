// The blog as a process: `node service/server.ts`. README.md lists the environment it needs.
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import knex from "knex";
import { serviceKnexConfig } from "../db/config.ts";
import { createLogger } from "../db/log.ts";
import { createApp } from "./app.ts";
import { configSchema, readConfig } from "./config.ts";
import { logCrashes } from "./crash.ts";
import { listen } from "./listen.ts";
import { createMetricsServer } from "./metrics-server.ts";
import { onShutdown } from "./shutdown.ts";
import { startSweeper } from "./sweeper.ts";

const config = readConfig(configSchema);
const log = createLogger(config.LOG_LEVEL);
logCrashes(log);

const db = knex(serviceKnexConfig(config, log));
const { app, metrics, drain } = createApp(config, db, log);
const handle = app.callback();
// Slow senders must not hold a connection for ever: 30 s are enough for the largest form over a poor line. Node looks for them
// every 30 s, unless told otherwise.
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000 };
const server = createServer(limits, (req, res) => void handle(req, res));
const metricsServer = createMetricsServer(metrics);

onShutdown({ log, graceMs: config.SHUTDOWN_GRACE * 1000, drain, servers: [server, metricsServer], db });
startSweeper(db, log);
// In this order: standby.ts gives up the one port when it can connect to the other.
await listen(metricsServer, config.METRICS_PORT);
await listen(server, config.PORT);
log.info({ port: portOf(server), metricsPort: portOf(metricsServer) }, "listening");

function portOf(listener: Server): number {
  return (listener.address() as AddressInfo).port;
}
