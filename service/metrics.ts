import type { Knex } from "knex";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Middleware } from "./context.ts";

export interface Metrics {
  registry: Registry;
  measureRequests: Middleware;
}

interface Pool {
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

/** Request durations by route and status, use of the connection pool, and prom-client's figures about the process. */
export function createMetrics(db: Knex): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const pool = (db.client as { pool: Pool }).pool;
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
    help: "Connections to MySQL, by what they do",
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
      // The route's pattern, not the path: the number of label values must stay small.
      stop({ route: String(ctx._matchedRoute ?? "unmatched"), status_code: ctx.status });
    },
  };
}
