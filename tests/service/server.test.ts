import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../client.ts";
import { useBlog } from "./blog.ts";
import { listeningPort, logged, type Service, spawnService } from "./process.ts";

describe("The server", function () {
  this.timeout(60_000);
  const suite = useBlog();
  const services: Service[] = [];

  function start(overrides: Record<string, string> = {}): Service {
    const service = spawnService(suite.database, overrides);
    services.push(service);
    return service;
  }

  /** Sends the head of a form and the beginning of its body. */
  async function sendPartOfForm(service: Service): Promise<Socket> {
    const socket = connect(await listeningPort(service), "127.0.0.1").on("error", () => undefined);
    const type = "Content-Type: application/x-www-form-urlencoded";
    socket.write(`POST /auth/login HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 9\r\n\r\nuse`);
    await sleep(500);
    return socket;
  }

  afterEach(() => {
    for (const { child } of services.splice(0)) child.kill("SIGKILL");
  });

  it("serves the blog on one port and its metrics on the other", async () => {
    const service = start();
    const client = new Client(`http://127.0.0.1:${String(await listeningPort(service))}`);
    assert.equal((await client.get("/hello")).text, "Hello, World!");
    assert.equal((await client.get("/")).status, 200);
    const metrics = await fetch(`http://127.0.0.1:${String(await listeningPort(service, "metrics_port"))}/metrics`);
    assert.match(await metrics.text(), /http_request_duration_seconds_count\{method="GET",route="\/hello"/);
  });

  it("reports a wrong environment in one message, without a stack trace, and exits with 1", async () => {
    const service = start({ PORT: "none", SESSION_KEYS: "short-secret", MYSQL_HOST: "" });
    assert.equal(await service.exit, 1);
    assert.match(service.output(), /^Wrong or missing environment variables\..+\n(✖ .+\n {2}→ at .+\n){3}$/);
    assert.doesNotMatch(service.output(), /short-secret/);
  });

  for (const variable of ["PORT", "METRICS_PORT"]) {
    it(`logs EADDRINUSE if another process uses ${variable}, and exits with 1`, async () => {
      const second = start({ [variable]: String(await listeningPort(start())) });
      assert.equal(await second.exit, 1);
      assert.match(second.output(), /"log.level":"fatal".+EADDRINUSE/);
    });
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`at ${signal} refuses new connections, finishes the request in flight, and exits with 0`, async () => {
      const service = start();
      const url = `http://127.0.0.1:${String(await listeningPort(service))}`;
      const client = new Client(url);
      await client.login();

      // The INSERT waits for this lock.
      const lock = await suite.db.transaction();
      await lock.raw("SELECT * FROM user WHERE id = 1 FOR UPDATE");
      const inFlight = client.post("/create", { title: "in flight", body: "" });
      await sleep(300);
      service.child.kill(signal);
      await logged(service, /"message":"stopping"/);
      await assert.rejects(fetch(`${url}/readyz`), "a new connection is refused");
      assert.equal(service.child.exitCode, null);
      await lock.commit();

      const reply = await inFlight;
      assert.equal(reply.status, 302);
      assert.equal(reply.headers.get("connection"), "close");
      assert.equal((await suite.db("post").select().where("title", "in flight")).length, 1);
      assert.equal(await service.exit, 0);
      assert.match(service.output(), /"message":"stopping"[^]+"message":"stopped"/);
    });
  }

  it("does not wait for connections without a request", async () => {
    const service = start();
    const socket = connect(await listeningPort(service), "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    const begin = performance.now();
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 0);
    assert.ok(performance.now() - begin < 3000);
  });

  it("exits with 1 if requests take longer than SHUTDOWN_GRACE", async () => {
    const service = start({ SHUTDOWN_GRACE: "1" });
    await sendPartOfForm(service);
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 1);
    assert.match(service.output(), /"code":"SHUTDOWN_GRACE"/);
  });

  it("exits with 1 at a second signal", async () => {
    const service = start();
    await sendPartOfForm(service);
    service.child.kill("SIGTERM");
    await logged(service, /"message":"stopping"/);
    assert.equal(service.child.exitCode, null);
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 1);
  });

  it("logs no error if a client closes its connection", async () => {
    const service = start();
    (await sendPartOfForm(service)).destroy();
    await logged(service, /"status_code":400\}.+"path":"\/auth\/login"/);
    assert.doesNotMatch(service.output(), /"log.level":"(error|fatal|warn)"/);
    assert.equal((await fetch(`http://127.0.0.1:${String(await listeningPort(service))}/hello`)).status, 200);
  });
});
