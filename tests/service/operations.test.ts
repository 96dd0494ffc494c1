import assert from "node:assert/strict";

import { KEY, type RunningBlog, useBlog } from "./blog.ts";

describe("Operating the blog", () => {
  const suite = useBlog();
  let blog: RunningBlog;
  let lines: string[];
  const write = (line: string) => void lines.push(line);

  beforeEach(async () => {
    lines = [];
    blog = await suite.startAnother({ LOG_LEVEL: "trace", TRUSTED_PROXIES: 1 }, { write });
  });

  /** Field names with dots, as Elasticsearch stores them. */
  function flatten(value: object, prefix = ""): Record<string, unknown> {
    const entries = Object.entries(value).map(([key, field]: [string, unknown]) =>
      typeof field === "object" && field !== null ? flatten(field, `${prefix}${key}.`) : { [prefix + key]: field },
    );
    return Object.assign({}, ...entries) as Record<string, unknown>;
  }

  const requests = () =>
    lines.map((line) => flatten(JSON.parse(line) as object)).filter(({ message }) => message === "request");
  const fieldOf = (field: string) => requests().map((line) => line[field]);

  it("/readyz answers 503 with the missing migrations, and accepts a newer schema", async () => {
    const { client, db } = suite;
    const name = "0004_index_posts_by_time";
    await db("knex_migrations").where("name", name).update("name", "9999_of_the_next_version");
    const { status, text } = await client.get("/readyz");
    await db("knex_migrations").insert({ name, batch: 1 });
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(text), { status: "unavailable", reason: "migrations are missing", pending: [name] });
    assert.equal((await client.get("/readyz")).status, 200);
    await db("knex_migrations").where("name", "9999_of_the_next_version").delete();
  });

  it("probes log at debug level, also /readyz with 503 during shutdown", async () => {
    const client = blog.client();
    assert.equal((await client.get("/healthz")).status, 200);
    blog.drain();
    const { status, text } = await client.get("/readyz");
    assert.deepEqual([status, JSON.parse(text)], [503, { status: "unavailable", reason: "shutting down" }]);
    assert.equal((await client.get("/hello")).status, 200);
    assert.deepEqual(fieldOf("log.level"), ["debug", "debug", "info"]);
  });

  it("the metrics count requests by route and status, and show the pool and the event loop", async () => {
    const client = blog.client();
    await client.login();
    for (const path of ["/1/update", "/5/update", "/no/such/page"]) await client.get(path);
    const text = await blog.metrics.metrics();
    for (const labels of [
      'route="/:id/update",status_code="200"',
      'route="/:id/update",status_code="404"',
      'route="unmatched",status_code="404"',
    ]) {
      assert.ok(text.includes(`\nhttp_request_duration_seconds_count{method="GET",${labels}} 1\n`), text);
    }
    assert.doesNotMatch(text, /\/1|no\/such/);
    assert.match(text, /^db_pool_connections\{state="free"\} [1-6]$/m);
    assert.match(text, /^db_pool_pending_acquires 0$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  });

  it("the log has one line per request with ECS field names, and without the query", async () => {
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
    assert.equal(new Date(String(time)).toISOString(), time);
    assert.ok(Number.isInteger(duration) && Number(duration) > 10_000 && Number(duration) < 10e9, "nanoseconds");
  });

  it("the client address is what the first of TRUSTED_PROXIES adds to X-Forwarded-For, without a port", async () => {
    for (const [TRUSTED_PROXIES, forwarded, address] of [
      [0, "192.0.2.1", "127.0.0.1"],
      [1, "198.51.100.1, ::ffff:192.0.2.1", "192.0.2.1"],
      [1, "192.0.2.1:5001", "192.0.2.1"],
      [1, "[2001:db8::1]:443", "2001:db8::1"],
      [2, "198.51.100.1, 192.0.2.1, 10.0.0.1", "192.0.2.1"],
      // Without an address, it is the connection's.
      [1, "unknown", "127.0.0.1"],
    ] as const) {
      const behind = await suite.startAnother({ LOG_LEVEL: "info", TRUSTED_PROXIES }, { write });
      await behind.client().get("/hello", { headers: { "X-Forwarded-For": forwarded } });
      assert.equal(fieldOf("client.ip").at(-1), address, forwarded);
    }
  });

  it("the log has a stable code for an error of a client, without a stack trace", async () => {
    const client = blog.client();
    for (const path of ["/?before=x", "/no/where", "/9"]) await client.get(path);
    await client.post("/auth/login", {});
    await client.post("/auth/login", {}, { headers: { Origin: "http://evil.example" } });
    assert.deepEqual(fieldOf("error.code"), ["CURSOR", "HTTP_404", "POST_NOT_FOUND", "FORM_FIELD", "CROSS_ORIGIN"]);
    assert.deepEqual(new Set(fieldOf("log.level")), new Set(["info"]));
    assert.doesNotMatch(lines.join(), /stack_trace/);
  });

  it("neither the log nor a page has a password, cookie, hash, key or text of a post when MySQL fails", async () => {
    const { db } = suite;
    const client = blog.client();
    const [typed, wrong] = ["a-new-password", "a-wrong-password"];
    for (let i = 0; i < 2; i += 1) await client.post("/auth/register", { username: "new", password: typed });
    await client.login("new", wrong);
    await client.login("new", typed);

    await db.raw("ALTER TABLE post ADD CONSTRAINT no_text CHECK (title <> 'the title of a post')");
    const lock = await db.transaction();
    try {
      const { status, text, headers } = await client.post("/create", { title: "the title of a post", body: "" });
      assert.equal(status, 500);
      assert.ok(text.includes(`<code>${String(headers.get("x-request-id"))}</code>`), text);
      assert.doesNotMatch(text, /insert|ER_|no_text/i);
      await lock.raw("LOCK TABLES user WRITE, session READ");
      assert.equal((await blog.client().login("new", typed)).status, 503);
    } finally {
      await lock.raw("UNLOCK TABLES");
      await lock.rollback();
      await db.raw("ALTER TABLE post DROP CONSTRAINT no_text");
    }
    assert.deepEqual(fieldOf("log.level").slice(-2), ["error", "warn"]);
    assert.deepEqual(fieldOf("error.code").slice(-2), ["INTERNAL_ERROR", "ER_LOCK_WAIT_TIMEOUT"]);

    const [hash = ""] = await db("user").pluck<string[]>("password").where("username", "new");
    const { MYSQL_PASSWORD } = suite.database;
    const secrets = [typed, wrong, "the title of a post", KEY, MYSQL_PASSWORD, hash, ...client.cookies.values()];
    for (const secret of secrets) assert.ok(secret.length > 10 && !lines.join().includes(secret), secret);
    assert.doesNotMatch(lines.join(), /scrypt:|session=/);
  });
});
