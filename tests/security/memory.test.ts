import assert from "node:assert/strict";
import { Agent, get } from "node:http";

import { useBlog } from "../service/blog.ts";
import { listeningPort, useService } from "../service/process.ts";

/** Requests with new names, in all. A thorough run has 120,000. */
const requests = Number(process.env.MEMORY_REQUESTS ?? 30_000);
const phases = 5;
const connections = 32;
/** The heap varies by 5 MiB after a garbage collection. A cache of 30,000 cookie names took 33 MiB. */
const MAX_GROWTH = 10 * 2 ** 20;

describe("The blog's memory", function () {
  this.timeout(600_000);
  const suite = useBlog();
  // Without a garbage collection, the heap includes tens of MiB of garbage.
  const collectOnSignal = "--expose-gc --import=data:text/javascript,process.on('SIGWINCH',gc)";
  const server = useService(suite, { NODE_OPTIONS: collectOnSignal });
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  after(() => {
    agent.destroy();
  });

  /** A page for guests, with `name` in each part of the request that a client can choose. */
  const visit = (name: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = {
        Host: `${name}.example`,
        Cookie: `${name}=${name}; session=${name}; session.sig=${name}`,
        "User-Agent": name,
        "X-Request-Id": name,
        [name]: name,
      };
      get(`${server.url}/${name}?${name}=${name}`, { agent, headers }, (response) => {
        response.resume().on("end", resolve).on("error", reject);
      }).on("error", reject);
    });

  async function send(count: number, nameOf: (n: number) => string): Promise<void> {
    let sent = 0;
    const sender = async () => {
      while (sent < count) await visit(nameOf((sent += 1)));
    };
    await Promise.all(Array.from({ length: connections }, sender));
  }

  async function measure(): Promise<{ heap: number; resident: number }> {
    server.service.child.kill("SIGWINCH");
    const port = await listeningPort(server.service, "metrics_port");
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const value = (metric: string) => Number(new RegExp(`^${metric} (\\d+)`, "m").exec(text)?.[1]);
    return { heap: value("nodejs_heap_size_used_bytes"), resident: value("process_resident_memory_bytes") };
  }

  it("does not grow with the names that clients send", async () => {
    await send(requests / phases, () => "constant");
    const figures = [await measure()];
    for (let phase = 1; phase <= phases; phase += 1) {
      await send(requests / phases, (n) => `name-${String(phase)}-${String(n)}`);
      figures.push(await measure());
    }
    const row = (part: "heap" | "resident") => figures.map((figure) => (figure[part] / 2 ** 20).toFixed(1)).join(" → ");
    console.log(`      ${String(requests)} requests, heap: ${row("heap")} MiB, resident: ${row("resident")} MiB`);
    const growth = (figures.at(-1)?.heap ?? NaN) - (figures[0]?.heap ?? NaN);
    assert.ok(growth < MAX_GROWTH, `${String(growth)} bytes more`);
  });
});
