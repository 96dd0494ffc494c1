import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { useBlog } from "./blog.ts";
import { Client } from "./client.ts";
import { listeningPort, type Service, spawnService } from "./process.ts";

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
  async function sendPartOfForm(port: number): Promise<Socket> {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
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
    const metrics = await fetch(`http://127.0.0.1:${String(await listeningPort(service, "metricsPort"))}/metrics`);
    assert.match(await metrics.text(), /http_request_duration_seconds_count\{method="GET",route="\/hello"/);
  });

  it("stays up when MySQL is not there", async () => {
    const service = start({ MYSQL_PORT: "1" });
    const client = new Client(`http://127.0.0.1:${String(await listeningPort(service))}`);
    assert.equal((await client.get("/")).status, 503);
    assert.equal((await client.get("/readyz")).status, 503);
    assert.equal((await client.get("/healthz")).status, 200);
    assert.equal(service.child.exitCode, null);
  });

  it("reports a wrong environment in one message, without a stack trace, and exits with 1", async () => {
    const service = start({ PORT: "none", SESSION_KEYS: "short-secret", MYSQL_HOST: "" });
    assert.equal(await service.exit, 1);
    assert.match(service.output(), /^The environment is incomplete or wrong:\n( {2}.+\n){3}$/);
    assert.doesNotMatch(service.output(), /short-secret/);
  });

  for (const variable of ["PORT", "METRICS_PORT"]) {
    it(`says so when ${variable} is taken, and exits with 1`, async () => {
      const port = String(await listeningPort(start()));
      const second = start({ [variable]: port });
      assert.equal(await second.exit, 1);
      assert.match(second.output(), /"level":"fatal".+EADDRINUSE/);
    });
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`at ${signal} accepts nothing new, finishes the request in flight, and exits with 0`, async () => {
      const service = start();
      const port = await listeningPort(service);
      const url = `http://127.0.0.1:${String(port)}`;
      const client = new Client(url);
      await client.login();
      const token = await client.token();

      // The INSERT waits for this lock.
      const lock = await suite.db.transaction();
      await lock.raw("SELECT * FROM user WHERE id = 1 FOR UPDATE");
      const inFlight = client.post("/create", { title: "in flight", body: "" }, { token });
      await sleep(300);
      service.child.kill(signal);
      await sleep(300);
      await assert.rejects(fetch(`${url}/hello`), "a new connection is refused");
      assert.equal(service.child.exitCode, null);
      await lock.commit();

      const reply = await inFlight;
      assert.equal(reply.status, 302);
      assert.equal((await suite.db("post").select().where("title", "in flight")).length, 1);
      assert.equal(await service.exit, 0);
      assert.match(service.output(), /"message":"stopping".+\n.+\n?.*"message":"stopped"/);
    });
  }

  it("does not wait for connections without a request", async () => {
    const service = start();
    const socket = connect(await listeningPort(service), "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const start_ = performance.now();
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 0);
    assert.ok(performance.now() - start_ < 3000);
  });

  it("gives up requests that take longer than the grace, and exits with 1", async () => {
    const service = start({ SHUTDOWN_GRACE: "1" });
    await sendPartOfForm(await listeningPort(service));
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 1);
    assert.match(service.output(), /SHUTDOWN_GRACE/);
  });

  it("exits at once at a second signal", async () => {
    const service = start();
    await sendPartOfForm(await listeningPort(service));
    service.child.kill("SIGTERM");
    await sleep(300);
    assert.equal(service.child.exitCode, null);
    service.child.kill("SIGTERM");
    assert.equal(await service.exit, 1);
  });

  it("does not take a reader's hanging up for an error of its own", async () => {
    const service = start();
    const port = await listeningPort(service);
    (await sendPartOfForm(port)).destroy();
    await sleep(500);
    assert.equal((await new Client(`http://127.0.0.1:${String(port)}`).get("/hello")).status, 200);
    assert.doesNotMatch(service.output(), /"level":"(error|fatal|warn)"/);
    assert.match(service.output(), /"status_code":400\}\},"url":\{"path":"\/auth\/login"\}/);
  });
});
