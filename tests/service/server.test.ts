import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../client.ts";
import { useBlog } from "./blog.ts";
import { listeningPort, logged, type Service, spawnService } from "./process.ts";

/** Deletes expired rows every half second instead of every ten minutes. */
const hurry = "globalThis.setInterval=((set)=>(f,ms)=>set(f,ms===600000?500:ms))(setInterval)";
const type = "application/x-www-form-urlencoded";

describe("The server", () => {
  const suite = useBlog();
  const services: Service[] = [];
  let server: Service;
  let client: Client;
  let url: URL;

  function start(variables: Record<string, string> = {}): Service {
    const service = spawnService(suite.database, variables);
    services.push(service);
    return service;
  }

  before("start the server", async () => {
    server = start({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hurry)}` });
    url = new URL(`http://127.0.0.1:${String(await listeningPort(server))}`);
    client = new Client(url.origin);
  });
  after(() => {
    for (const { child } of services) child.kill("SIGKILL");
  });

  it("serves the blog on one port and its metrics on the other", async () => {
    assert.equal((await client.get("/")).status, 200);
    assert.equal((await client.get("/metrics")).status, 404);
    const metrics = await fetch(`http://127.0.0.1:${String(await listeningPort(server, "metrics_port"))}/metrics`);
    assert.match(metrics.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.match(await metrics.text(), /^http_request_duration_seconds_count\{method="GET",route="\/",/m);
  });

  it("keeps idle connections for 620 seconds, longer than load balancers do", async () => {
    assert.equal((await fetch(`${url.origin}/hello`)).headers.get("keep-alive"), "timeout=620");
  });

  it("deletes expired sessions and counters of attempts, and no others", async () => {
    const { db } = suite;
    await client.login();
    const rows = async () => [
      ...(await db("session").pluck<string[]>("id")),
      ...(await db("rate_limit").pluck<string[]>("key")),
    ];
    const valid = await rows();
    const names = Array.from({ length: 1500 }, (_, index) => String(index));
    const sessions = names.map((id) => ({ id, data: "{}", expires: db.raw("UTC_TIMESTAMP()") }));
    const counters = names.map((key) => ({ key, points: 1, expire: Date.now() - 1 }));
    await db.batchInsert("session", sessions);
    await db.batchInsert("rate_limit", counters);
    const deadline = Date.now() + 10_000;
    while ((await rows()).length > valid.length && Date.now() < deadline) await sleep(100);
    assert.deepEqual(await rows(), valid);
  });

  it("reports a wrong environment without a stack trace, and a used port with its code, and exits with 1", async () => {
    const wrong = start({ PORT: "none", SESSION_KEYS: "short-secret", MYSQL_HOST: "" });
    const second = start({ PORT: url.port });
    assert.equal(await wrong.exit, 1);
    assert.match(wrong.output(), /^Wrong or missing environment variables\..+\n(✖ .+\n {2}→ at .+\n){3}$/);
    assert.equal(await second.exit, 1);
    assert.match(second.output(), /"log.level":"fatal".+"code":"CRASH".+EADDRINUSE/);
  });

  it("exits with 1 at SIGTERM if a request takes longer than SHUTDOWN_GRACE", async () => {
    const impatient = start({ SHUTDOWN_GRACE: "1" });
    const socket = connect(await listeningPort(impatient), "127.0.0.1").on("error", () => undefined);
    const form = `Content-Type: ${type}\r\nContent-Length: 9\r\nExpect: 100-continue`;
    socket.write(`POST /auth/login HTTP/1.1\r\nHost: x\r\n${form}\r\n\r\n`);
    // Node answers `100 Continue` when it has read the headers.
    await once(socket, "data");
    impatient.child.kill("SIGTERM");
    assert.equal(await impatient.exit, 1);
    assert.match(impatient.output(), /"code":"SHUTDOWN_GRACE"/);
  });

  it("at SIGTERM refuses and closes connections, finishes the request in flight, and exits with 0", async () => {
    await client.login();
    const idle = connect(Number(url.port), "127.0.0.1").resume();
    await once(idle, "connect");
    const idleEnds = once(idle, "close");

    // The INSERT waits for this lock.
    const lock = await suite.db.transaction();
    await lock.raw("SELECT * FROM user WHERE id = 1 FOR UPDATE");
    const headers = { cookie: client.cookieHeader, "content-type": type };
    const form = request(new URL("/create", url), { method: "POST", agent: new Agent({ keepAlive: true }), headers });
    const answer = once(form.end("title=in+flight&body="), "response") as Promise<[IncomingMessage]>;
    const inserts = suite.db("information_schema.processlist").where("info", "like", "insert into `post`%");
    while ((await inserts.clone()).length === 0) await sleep(20);
    server.child.kill("SIGTERM");
    await logged(server, /"message":"stopping"/);
    await assert.rejects(client.get("/readyz"), /ECONNREFUSED/);
    await lock.commit();

    const [response] = await answer;
    assert.deepEqual([response.statusCode, response.headers.connection], [302, "close"]);
    assert.equal(await server.exit, 0);
    await idleEnds;
    assert.match(server.output(), /"message":"stopping"[^]+"message":"stopped"/);
    assert.deepEqual(await suite.db("post").pluck("title").orderBy("id"), ["test title", "in flight"]);
  });
});
