import assert from "node:assert/strict";
import { METHODS } from "node:http";

import { createMetricsServer } from "../../service/metrics.ts";
import { listen } from "../listen.ts";
import { KEY, type RunningBlog, useBlog } from "./blog.ts";

describe("The probes", () => {
  const suite = useBlog();

  it("say ok while the database can be reached and its schema is current, and set no cookie", async () => {
    const { client } = suite;
    const alive = await client.get("/healthz");
    assert.equal(alive.text, "ok");
    const ready = await client.get("/readyz");
    assert.equal(ready.status, 200);
    assert.deepEqual(JSON.parse(ready.text), { status: "ok" });
    assert.equal(client.cookies.size, 0);
  });

  it("say ready with a schema that is newer than the code", async () => {
    const { client, db } = suite;
    await db("knex_migrations").insert({ name: "9999_of_the_next_version", batch: 9, migration_time: db.fn.now() });
    assert.equal((await client.get("/readyz")).status, 200);
    await db("knex_migrations").where("batch", 9).delete();
  });

  it("say not ready, and which migrations are missing, with an older schema; alive they still say", async () => {
    const { client, db } = suite;
    const name = "0004_index_posts_by_time";
    await db("knex_migrations").where("name", name).update("name", "hidden");
    const reply = await client.get("/readyz");
    await db("knex_migrations").where("name", "hidden").update("name", name);
    assert.equal(reply.status, 503);
    assert.deepEqual(JSON.parse(reply.text), {
      status: "unavailable",
      reason: "migrations are missing",
      pending: [name],
    });
    assert.equal((await client.get("/healthz")).status, 200);
  });

  it("say not ready once the blog is shutting down", async () => {
    const blog = await suite.startAnother();
    const client = blog.client();
    assert.equal((await client.get("/readyz")).status, 200);
    blog.drain();
    const reply = await client.get("/readyz");
    assert.equal(reply.status, 503);
    assert.equal((JSON.parse(reply.text) as { reason: string }).reason, "shutting down");
    assert.equal(reply.headers.get("connection"), "close");
    assert.equal((await client.get("/healthz")).status, 200);
  });

  it("do not touch the session, even when a cookie comes along", async () => {
    const { blog, client } = suite;
    await client.login();
    const queries: string[] = [];
    const record = ({ sql }: { sql: string }) => void queries.push(sql);
    blog.db.on("query", record);
    for (const path of ["/healthz", "/hello", "/static/style.css"]) await client.get(path);
    blog.db.removeListener("query", record);
    assert.deepEqual(queries, []);
  });
});

describe("The metrics", () => {
  const suite = useBlog();

  it("tell requests' durations by route and status, the pool's use and the event loop's lag", async () => {
    const { client, blog } = suite;
    await client.login();
    await client.get("/1/update");
    await client.get("/5/update");
    await client.get("/no/such/page");
    await client.get("/?before=x");
    const text = await blog.metrics.metrics();
    const count = (route: string, status: number, method = "GET") => {
      const labels = `method="${method}",route="${route}",status_code="${String(status)}"`;
      return new RegExp(`^http_request_duration_seconds_count\\{${labels}\\} (\\d+)$`, "m").exec(text)?.[1];
    };
    assert.equal(count("/:id/update", 200), "1");
    assert.equal(count("/:id/update", 404), "1");
    assert.equal(count("unmatched", 404), "1");
    assert.equal(count("/", 400), "1");
    assert.equal(count("/auth/login", 302, "POST"), "1");
    assert.doesNotMatch(text, /\/1\/update|no\/such/);
    assert.match(text, /^db_pool_connections\{pool="reads",state="used"\} 0$/m);
    assert.match(text, /^db_pool_connections\{pool="reads",state="free"\} [1-9]/m);
    assert.match(text, /^db_pool_pending_acquires\{pool="reads"\} 0$/m);
    assert.match(text, /^db_pool_connections\{pool="inserts",state="used"\} 0$/m);
    assert.match(text, /^db_pool_pending_acquires\{pool="changes"\} 0$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
    assert.match(text, /^process_resident_memory_bytes /m);
  });

  it("are not on the blog's port, and nothing else is on theirs", async () => {
    assert.equal((await suite.client.get("/metrics")).status, 404);
    const server = createMetricsServer(suite.blog.metrics);
    const url = `http://127.0.0.1:${String(await listen(server))}`;
    try {
      const reply = await fetch(`${url}/metrics`);
      assert.equal(reply.status, 200);
      assert.match(reply.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
      assert.match(await reply.text(), /^# HELP http_request_duration_seconds /m);
      assert.equal((await fetch(`${url}/`)).status, 404);
    } finally {
      server.close();
    }
  });
});

describe("The log", () => {
  const suite = useBlog();
  let blog: RunningBlog;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    blog = await suite.startAnother({ LOG_LEVEL: "trace" }, { write: (line) => void lines.push(line) });
  });

  /** Fields of the Elastic Common Schema. */
  interface Line {
    "@timestamp": string;
    "ecs.version": string;
    message: string;
    log: { level: string };
    event: { duration: number };
    http: { route: string; request: { id: string; method: string }; response: { status_code: number } };
    url: { path: string };
    error?: { code?: string; type?: string; message?: string; stack_trace?: string };
  }
  const requests = (): Line[] =>
    lines.map((line) => JSON.parse(line) as Line).filter(({ message }) => message === "request");

  it("has one JSON line for each request, with method, route, path, status, duration and id", async () => {
    const reply = await blog.client().get("/1/update?secret=1");
    const [{ "@timestamp": time, event, ...line } = {} as Line, ...others] = requests();
    assert.deepEqual(others, []);
    assert.deepEqual(line, {
      "ecs.version": "8.17.0",
      log: { level: "info" },
      message: "request",
      http: {
        route: "/:id/update",
        request: { id: reply.headers.get("x-request-id"), method: "GET" },
        response: { status_code: 302 },
      },
      url: { path: "/1/update" },
    });
    // An integer number of nanoseconds.
    assert.ok(Number.isInteger(event.duration) && event.duration > 10_000 && event.duration < 10e9);
    assert.equal(new Date(time).toISOString(), time);
  });

  it("has no request for an error of the server's because of what a client sends", async () => {
    const client = blog.client();
    await client.login();
    const methods = METHODS.filter((method) => method !== "CONNECT");
    for (const method of methods) {
      for (const path of ["/", "/create", "/hello", "/nowhere", "/%ff", "/%00/update"]) {
        const { status } = await client.request(method, path, { "X-Forwarded-For": "x", Origin: "x", Cookie: "%" });
        assert.ok(status < 500, `${method} ${path}: ${String(status)}`);
      }
    }
    assert.doesNotMatch(await blog.metrics.metrics(), /status_code="5/);
    assert.deepEqual(new Set(requests().map(({ log }) => log.level)), new Set(["info"]));
  });

  it("takes over a request id that looks like one, and no other", async () => {
    const client = blog.client();
    for (const [given, isTaken] of [
      ["abc-123_x.y", true],
      ["x".repeat(64), true],
      ["x".repeat(65), false],
      ["a b", false],
      ['"}{', false],
    ] as const) {
      const reply = await client.get("/hello", { headers: { "X-Request-Id": given } });
      const id = reply.headers.get("x-request-id");
      assert.equal(id === given, isTaken, given);
      assert.equal(requests().at(-1)?.http.request.id, id);
    }
  });

  it("keeps the probes at debug level", async () => {
    await blog.client().get("/healthz");
    await blog.client().get("/readyz");
    assert.deepEqual(
      requests().map(({ log }) => log.level),
      ["debug", "debug"],
    );
  });

  it("has a stable code for each error, and the error itself only where it is the blog's", async () => {
    const client = blog.client();
    await client.get("/?before=x");
    await client.get("/nowhere");
    await client.post("/auth/login", {}, { token: null });
    assert.deepEqual(
      requests().flatMap(({ error }) => (error ? [error] : [])),
      [{ code: "CURSOR" }, { code: "HTTP_404" }, { code: "CSRF_TOKEN" }],
    );
  });

  it("holds no secret: no password, cookie, token, hash or key, whatever happens", async () => {
    const { db } = suite;
    const client = blog.client();
    const secrets = ["a-new-password", "a-wrong-password", KEY, suite.database.MYSQL_PASSWORD, "the text of a post"];
    await client.post("/auth/register", { username: "new", password: "a-new-password" });
    await client.post("/auth/register", { username: "new", password: "a-new-password" });
    await client.login("new", "a-wrong-password");
    secrets.push(...client.cookies.values());
    await client.login("new", "a-new-password");
    secrets.push(...client.cookies.values(), await client.token());
    await client.post("/create", { title: "the text of a post", body: "the text of a post" });
    await client.post("/create", { title: "the text of a post", body: "the text of a post" }, { token: "x" });

    // MySQL errors contain the query with its values.
    for (const table of ["post", "session"]) {
      await db.raw("RENAME TABLE ?? TO elsewhere", [table]);
      try {
        const stranger = blog.client();
        await stranger.post("/auth/login", { username: "new", password: "a-new-password" });
        assert.equal(
          (await client.post("/create", { title: "the text of a post", body: "x" }, { token: "x" })).status,
          table === "post" ? 403 : 503,
        );
        assert.equal((await client.get("/")).status, 503);
      } finally {
        await db.raw("RENAME TABLE elsewhere TO ??", [table]);
      }
    }
    // A permanent MySQL error, with the text in its query.
    await db.raw("ALTER TABLE post ADD CONSTRAINT no_text CHECK (title <> 'another text of a post')");
    try {
      secrets.push("another text of a post");
      assert.equal((await client.post("/create", { title: "another text of a post", body: "x" })).status, 500);
      assert.equal(requests().at(-1)?.log.level, "error");
    } finally {
      await db.raw("ALTER TABLE post DROP CONSTRAINT no_text");
    }

    const hash = (await db<{ password: string }>("user").first("password").where("username", "new"))?.password ?? "";
    secrets.push(hash, hash.split("$")[2] ?? "");
    await client.logout();

    const log = lines.join("");
    assert.ok(requests().length > 20);
    assert.match(log, /ER_NO_SUCH_TABLE/);
    assert.ok(secrets.length > 10 && secrets.every((secret) => secret.length > 10));
    for (const secret of secrets) assert.ok(!log.includes(secret), `the log holds ${secret}`);
    assert.doesNotMatch(log, /scrypt:|session=|\$\$/);
  });
});
