import assert from "node:assert/strict";

import { errorFields } from "../../service/log.ts";
import { createMetricsServer } from "../../service/metrics.ts";
import { listen } from "../listen.ts";
import { KEY, type RunningBlog, useBlog } from "./blog.ts";

describe("Probes", () => {
  const suite = useBlog();

  it("answer 200 without a query of the session, and set no cookie", async () => {
    const { blog, client } = suite;
    await client.login();
    const queries: string[] = [];
    const record = ({ sql }: { sql: string }) => void queries.push(sql);
    blog.db.on("query", record);
    for (const path of ["/healthz", "/hello", "/static/style.css"]) {
      const reply = await client.get(path);
      assert.deepEqual([reply.status, reply.headers.getSetCookie()], [200, []]);
    }
    assert.deepEqual(queries, []);
    const ready = await client.get("/readyz");
    blog.db.removeListener("query", record);
    assert.deepEqual([ready.status, JSON.parse(ready.text)], [200, { status: "ok" }]);
    assert.doesNotMatch(queries.join(), /session|user/);
  });

  it("/readyz answers 503 with the missing migrations, and /healthz 200", async () => {
    const { client, db } = suite;
    const name = "0004_index_posts_by_time";
    await db("knex_migrations").where("name", name).update("name", "9999_of_the_next_version");
    const reply = await client.get("/readyz");
    assert.equal((await client.get("/healthz")).status, 200);
    await db("knex_migrations").insert({ name, batch: 1 });
    assert.equal(reply.status, 503);
    const expected = { status: "unavailable", reason: "migrations are missing", pending: [name] };
    assert.deepEqual(JSON.parse(reply.text), expected);
    assert.equal((await client.get("/readyz")).status, 200, "a newer schema is ready");
    await db("knex_migrations").where("name", "9999_of_the_next_version").delete();
  });

  it("/readyz answers 503 during shutdown, and responses close their connection", async () => {
    const blog = await suite.startAnother();
    blog.drain();
    const reply = await blog.client().get("/readyz");
    assert.equal(reply.status, 503);
    assert.deepEqual(JSON.parse(reply.text), { status: "unavailable", reason: "shutting down" });
    assert.equal(reply.headers.get("connection"), "close");
    assert.equal((await blog.client().get("/")).status, 200);
  });
});

describe("Metrics", () => {
  const suite = useBlog();

  it("count requests by route and status, and show the pool and the event loop", async () => {
    const { client, blog } = suite;
    await client.login();
    for (const path of ["/1/update", "/5/update", "/1", "/no/such/page", "/?before=x"]) await client.get(path);
    const text = await blog.metrics.metrics();
    for (const [method, route, status] of [
      ["GET", "/:id/update", 200],
      ["GET", "/:id/update", 404],
      ["GET", "/:id", 200],
      ["GET", "unmatched", 404],
      ["GET", "/", 400],
      ["POST", "/auth/login", 302],
    ] as const) {
      const labels = `{method="${method}",route="${route}",status_code="${String(status)}"}`;
      assert.ok(text.includes(`\nhttp_request_duration_seconds_count${labels} 1\n`), text);
    }
    assert.doesNotMatch(text, /\/1|no\/such/);
    assert.match(text, /^db_pool_connections\{state="used"\} 0$/m);
    assert.match(text, /^db_pool_connections\{state="free"\} [1-6]$/m);
    assert.match(text, /^db_pool_pending_acquires 0$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
    assert.match(text, /^process_resident_memory_bytes /m);
  });

  it("are served at /metrics of their own port, with any query", async () => {
    assert.equal((await suite.client.get("/metrics")).status, 404);
    const server = createMetricsServer(suite.blog.metrics);
    const url = `http://127.0.0.1:${String(await listen(server))}`;
    try {
      for (const path of ["/metrics", "/metrics?x=1"]) {
        const reply = await fetch(url + path);
        assert.equal(reply.status, 200);
        assert.match(reply.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
        assert.match(await reply.text(), /^# HELP http_request_duration_seconds /m);
      }
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

  type Line = Record<string, unknown>;

  /** Field names with dots, as Elasticsearch stores them. */
  function flatten(value: object, prefix = ""): Line {
    const entries = Object.entries(value).map(([key, field]: [string, unknown]) =>
      typeof field === "object" && field !== null ? flatten(field, `${prefix}${key}.`) : { [prefix + key]: field },
    );
    return Object.assign({}, ...entries) as Line;
  }

  const requests = () =>
    lines.map((line) => flatten(JSON.parse(line) as object)).filter(({ message }) => message === "request");

  it("has one line per request with ECS field names only, and without the query", async () => {
    const client = blog.client();
    await client.login();
    lines = [];
    const reply = await client.get("/1/update?secret=1");
    const [line, ...others] = requests();
    assert.deepEqual(others, []);
    const { "@timestamp": time, "event.duration": duration, ...fields } = line ?? {};
    assert.deepEqual(fields, {
      "ecs.version": "8.10.0",
      "log.level": "info",
      message: "request",
      "client.ip": "127.0.0.1",
      "user.id": "1",
      "http.request.id": reply.headers.get("x-request-id"),
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.path": "/1/update",
      "labels.route": "/:id/update",
    });
    // An integer number of nanoseconds.
    assert.ok(Number.isInteger(duration) && Number(duration) > 10_000 && Number(duration) < 10e9);
    assert.equal(new Date(String(time)).toISOString(), time);
  });

  it("has the address that a trusted proxy adds, and no user for a guest", async () => {
    const proxied = await suite.startAnother(
      { LOG_LEVEL: "info", TRUSTED_PROXIES: 1 },
      { write: (line) => void lines.push(line) },
    );
    await proxied.client().get("/nowhere/at/all", { headers: { "X-Forwarded-For": "10.0.0.1, 203.0.113.7" } });
    const [line] = requests();
    assert.equal(line?.["client.ip"], "203.0.113.7");
    assert.equal(line["labels.route"], "unmatched");
    assert.equal(line["user.id"], undefined);
  });

  it("has a valid request id of a proxy, and replaces others", async () => {
    const client = blog.client();
    for (const [given, isTaken] of [
      ["abc-123_x.y", true],
      ["x".repeat(64), true],
      ["x".repeat(65), false],
      ["a b", false],
      ['"}{', false],
    ] as const) {
      const id = (await client.get("/hello", { headers: { "X-Request-Id": given } })).headers.get("x-request-id");
      assert.equal(id === given, isTaken, given);
      assert.equal(requests().at(-1)?.["http.request.id"], id);
    }
  });

  it("has probes at debug level", async () => {
    for (const path of ["/healthz", "/readyz"]) await blog.client().get(path);
    const levels = requests().map((line) => line["log.level"]);
    assert.deepEqual(levels, ["debug", "debug"]);
  });

  it("has a stable code for an error of a client, without a stack trace", async () => {
    const client = blog.client();
    await client.get("/?before=x");
    await client.get("/no/where");
    await client.get("/9");
    await client.post("/auth/login", {});
    await client.post("/auth/login", {}, { headers: { Origin: "http://evil.example" } });
    assert.deepEqual(
      requests().map((line) => [line["error.code"], line["error.stack_trace"], line["log.level"]]),
      ["CURSOR", "HTTP_404", "POST_NOT_FOUND", "FORM_FIELD", "CROSS_ORIGIN"].map((code) => [code, undefined, "info"]),
    );
  });

  it("has no error of the server because of what a client sends", async () => {
    const client = blog.client();
    await client.login();
    for (const method of ["GET", "HEAD", "POST", "PUT", "PROPFIND", "OPTIONS"]) {
      for (const path of ["/", "/create", "/hello", "/no/where", "/%ff", "/%00/update", "/1%2f", "//x"]) {
        const headers = { "X-Forwarded-For": "x", Origin: "x", Cookie: "%", "Content-Type": "x" };
        const { status } = await client.request(method, path, headers);
        assert.ok(status < 500, `${method} ${path}: ${String(status)}`);
      }
    }
    assert.deepEqual(new Set(requests().map((line) => line["log.level"])), new Set(["info"]));
  });

  it("has no password, cookie, hash, key or text of a post, also when MySQL fails", async () => {
    const { db } = suite;
    const client = blog.client();
    const post = { title: "the title of a post", body: "the text of a post" };
    const secrets = ["a-new-password", "a-wrong-password", KEY, suite.database.MYSQL_PASSWORD, ...Object.values(post)];
    const user = { username: "new", password: "a-new-password" };
    for (let i = 0; i < 2; i += 1) await client.post("/auth/register", user);
    await client.login("new", "a-wrong-password");
    await client.login("new", "a-new-password");
    await client.post("/create", post);
    secrets.push(...client.cookies.values());

    await db("post").where("title", post.title).delete();
    await db.raw("ALTER TABLE post ADD CONSTRAINT no_text CHECK (title <> 'the title of a post')");
    const lock = await db.transaction();
    try {
      assert.equal((await client.post("/create", post)).status, 500);
      assert.equal(requests().at(-1)?.["log.level"], "error");
      assert.equal(requests().at(-1)?.["error.code"], "INTERNAL_ERROR");
      await lock.raw("LOCK TABLES user WRITE, session READ");
      assert.equal((await blog.client().login("new", "a-new-password")).status, 503);
      assert.equal(requests().at(-1)?.["log.level"], "warn");
      assert.equal(requests().at(-1)?.["error.code"], "ER_LOCK_WAIT_TIMEOUT");
    } finally {
      await lock.raw("UNLOCK TABLES");
      await lock.rollback();
      await db.raw("ALTER TABLE post DROP CONSTRAINT no_text");
    }
    const hash = (await db<{ password: string }>("user").first("password").where("username", "new"))?.password ?? "";
    secrets.push(hash, hash.split("$")[2] ?? "");

    const log = lines.join("");
    assert.ok(secrets.length > 8 && secrets.every((secret) => secret.length > 10));
    for (const secret of secrets) assert.ok(!log.includes(secret), `the log has ${secret}`);
    assert.doesNotMatch(log, /scrypt:|session=/);
  });

  it("has an error's type, code, message and stack, but not the SQL with its values", () => {
    const error = Object.assign(new TypeError("no"), { code: "ER_DUP_ENTRY", sql: "INSERT … VALUES ('secret')" });
    const expected = { type: "TypeError", code: "ER_DUP_ENTRY", message: "no", stack_trace: error.stack };
    assert.deepEqual(errorFields(error), expected);
    assert.equal(errorFields(error, "OWN_CODE").code, "OWN_CODE");
    assert.deepEqual(errorFields("text", "CODE"), { message: "text", code: "CODE" });
  });
});
