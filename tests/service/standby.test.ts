import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { KEY, useBlog, variables } from "./blog.ts";
import { Client } from "./client.ts";
import { listeningPort, logged, spawnService } from "./process.ts";
import type { Service } from "./process.ts";

describe("The standby", function () {
  this.timeout(60_000);
  const suite = useBlog();
  const services: Service[] = [];
  /** Where the first server listens, and so the next ones and their standby. */
  let ports: Record<string, string> = {};
  let client: Client;
  let server: Service;

  function start(environment: Record<string, string>, script?: string): Service {
    const service = spawnService(environment, script);
    services.push(service);
    return service;
  }

  function startServer(): Service {
    return start({ ...variables(suite.database), SESSION_KEYS: KEY, ...ports });
  }

  /** Starts it, and waits until it has seen the server. */
  async function startStandby(): Promise<Service> {
    const standby = start(ports, "standby.ts");
    await logged(standby, /"msg":"standing by"/);
    return standby;
  }

  beforeEach(async () => {
    ports = {};
    server = startServer();
    const [port, metricsPort] = [await listeningPort(server), await listeningPort(server, "metricsPort")];
    ports = { PORT: String(port), METRICS_PORT: String(metricsPort) };
    client = new Client(`http://127.0.0.1:${String(port)}`);
  });

  afterEach(() => {
    for (const { child } of services.splice(0)) child.kill("SIGKILL");
  });

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    server.child.kill(signal);
    await server.exit;
  }

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    it(`lets readers wait for the next server when one has ended by ${signal}, again and again`, async () => {
      const standby = await startStandby();
      for (let round = 1; round <= 2; round += 1) {
        await kill(signal);
        await logged(standby, new RegExp(`("code":"SERVER_GONE"[^]*){${String(round)}}`));
        const waiting = Array.from({ length: 20 }, () => client.get("/"));
        const first = await Promise.race([...waiting, sleep(500)]);
        assert.equal(first, undefined, "nobody is there to answer");

        server = startServer();
        const replies = await Promise.all(waiting);
        assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
        await logged(standby, new RegExp(`("waiting":[1-9][^]*"standing by"[^]*){${String(round)}}`));
        assert.equal((await client.get("/hello")).status, 200);
      }
      assert.doesNotMatch(server.output(), /"level":"(warn|error|fatal)"/);
    });
  }

  it("leaves the port alone as long as no server was there", async () => {
    await kill();
    const standby = start(ports, "standby.ts");
    await sleep(2000);
    await assert.rejects(client.get("/hello"), /fetch failed/);
    assert.equal(standby.child.exitCode, null);
  });

  it("does not take part while the server is well", async () => {
    const standby = await startStandby();
    standby.child.kill("SIGSTOP");
    assert.equal((await client.get("/")).status, 200);
  });

  it("ends at SIGTERM", async () => {
    const standby = await startStandby();
    standby.child.kill("SIGTERM");
    assert.equal(await standby.exit, 0);
    assert.equal((await client.get("/hello")).status, 200);
  });

  it("reports a wrong environment, and needs no secret", async () => {
    const standby = start({ PORT: "none" }, "standby.ts");
    assert.equal(await standby.exit, 1);
    assert.match(standby.output(), /^The environment is incomplete or wrong:\n {2}PORT is not valid.+\n$/);
  });
});
