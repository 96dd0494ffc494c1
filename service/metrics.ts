import { createServer, type Server } from "node:http";

import type { Knex } from "knex";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

import type { Pools } from "../db/knexConfig.ts";
import type { Middleware } from "./context.ts";

interface Pool {
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

function poolOf(db: Knex): Pool {
  return (db.client as { pool: Pool }).pool;
}

/** Request durations, use of the connection pools, and prom-client's default metrics of the process. */
export function createMetrics({ db, inserts, changes }: Pools): { registry: Registry; measureRequests: Middleware } {
  const registry = new Registry();
  const registers = [registry];
  const pools = { reads: poolOf(db), inserts: poolOf(inserts), changes: poolOf(changes) };
  collectDefaultMetrics({ register: registry });

  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time to answer a request",
    labelNames: ["method", "route", "status_code"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers,
  });
  new Gauge({
    name: "db_pool_connections",
    help: "Connections to MySQL, by pool and state",
    labelNames: ["pool", "state"],
    registers,
    collect() {
      for (const [pool, connections] of Object.entries(pools)) {
        this.set({ pool, state: "used" }, connections.numUsed());
        this.set({ pool, state: "free" }, connections.numFree());
      }
    },
  });
  new Gauge({
    name: "db_pool_pending_acquires",
    help: "Queries that wait for a connection",
    labelNames: ["pool"],
    registers,
    collect() {
      for (const [pool, connections] of Object.entries(pools)) this.set({ pool }, connections.numPendingAcquires());
    },
  });

  return {
    registry,
    async measureRequests(ctx, next) {
      const stop = duration.startTimer({ method: ctx.method });
      await next();
      // Each path would be a time series of its own (label cardinality).
      stop({ route: String(ctx._matchedRoute ?? "unmatched"), status_code: ctx.status });
    },
  };
}

/** Serves `/metrics` to Prometheus. Readers of the blog cannot reach its port. */
export function createMetricsServer(registry: Registry): Server {
  return createServer((req, res) => {
    if (req.url !== "/metrics") {
      res.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => res.writeHead(200, { "Content-Type": registry.contentType }).end(text),
      () => res.writeHead(500).end(),
    );
  });
}
