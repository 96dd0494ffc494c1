import { createServer } from "node:http";
import type { Server } from "node:http";
import type { Registry } from "prom-client";

/** Serves `/metrics` to Prometheus, on a port that readers of the blog cannot reach. */
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
