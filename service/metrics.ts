import { createServer, type Server } from "node:http";

import type { Knex } from "knex";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

import type { Middleware } from "./context.ts";

interface Pool {
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

/** Request durations, use of the connection pool, and prom-client's default metrics of the process. */
export function createMetrics(db: Knex): { registry: Registry; measureRequests: Middleware } {
  const registry = new Registry();
  const registers = [registry];
  const { pool } = db.client as { pool: Pool };
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
    help: "Connections to MySQL, by state",
    labelNames: ["state"],
    registers,
    collect() {
      this.set({ state: "used" }, pool.numUsed());
      this.set({ state: "free" }, pool.numFree());
    },
  });
  new Gauge({
    name: "db_pool_pending_acquires",
    help: "Queries that wait for a connection",
    registers,
    collect() {
      this.set(pool.numPendingAcquires());
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
    if (req.url?.split("?")[0] !== "/metrics") {
      res.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => res.writeHead(200, { "Content-Type": registry.contentType }).end(text),
      () => res.writeHead(500).end(),
    );
  });
}
