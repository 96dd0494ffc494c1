import assert from "node:assert/strict";

import { useBlog } from "./blog.ts";
import type { Client, Reply } from "./client.ts";
import { assertValidHtml } from "./html.ts";

// tests/security/scripts.test.ts tests that readers' texts are shown as text.
describe("A page", () => {
  const suite = useBlog();

  const pages: { name: string; status?: number; user?: string; get: (client: Client) => Promise<Reply> }[] = [
    { name: "the index for a guest", get: (client) => client.get("/") },
    { name: "the index for an author", user: "test", get: (client) => client.get("/") },
    { name: "the index without posts", get: (client) => client.get("/?before=2000-01-01T00:00:00_1") },
    { name: "the log-in form", get: (client) => client.get("/auth/login") },
    { name: "the log-in form with an error", get: (client) => client.login("test", "wrong") },
    { name: "the registration form", get: (client) => client.get("/auth/register") },
    {
      name: "the registration form with an error",
      get: (client) => client.post("/auth/register", { username: "test", password: "x" }),
    },
    { name: "the form for a new post", user: "test", get: (client) => client.get("/create") },
    {
      name: "the form for a new post with an error",
      user: "test",
      get: (client) => client.post("/create", { title: "", body: "text" }),
    },
    { name: "the form to change a post", user: "test", get: (client) => client.get("/1/update") },
    { name: "the page for a bad request", status: 400, get: (client) => client.get("/?before=x") },
    { name: "the page for a forbidden request", status: 403, user: "other", get: (client) => client.get("/1/update") },
    {
      name: "the page for an expired form",
      status: 403,
      user: "test",
      get: (client) => client.post("/create", { title: "a", body: "b" }, { token: "old" }),
    },
    { name: "the page for a missing page", status: 404, get: (client) => client.get("/nowhere") },
    { name: "the page for a wrong method", status: 405, get: (client) => client.request("GET", "/auth/logout") },
    {
      name: "the page for too large a form",
      status: 413,
      get: (client) => client.post("/auth/login", { username: "x".repeat(256 * 1024) }),
    },
    {
      name: "the page for something that is no form",
      status: 415,
      get: (client) => client.request("POST", "/auth/login", { "Content-Type": "application/json" }, "{}"),
    },
  ];

  for (const { name, status = 200, user, get } of pages) {
    it(`is valid, accessible HTML with the headers of a private page: ${name}`, async () => {
      const { client } = suite;
      if (user !== undefined) await client.login(user, user);
      const reply = await get(client);
      assert.equal(reply.status, status);
      await assertValidHtml(reply.text);
      assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
      assert.equal(reply.headers.get("cache-control"), "no-store");
      assert.match(reply.headers.get("x-request-id") ?? "", /^[\w-]+$/);
      assertSecurityHeaders(reply);
    });
  }

  function assertSecurityHeaders({ headers }: Reply): void {
    assert.deepEqual(headers.get("content-security-policy")?.split(";").sort(), [
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "img-src 'self'",
      "style-src 'self'",
    ]);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "DENY");
    // With `no-referrer`, browsers send `Origin: null` with the blog's own forms.
    assert.equal(headers.get("referrer-policy"), "same-origin");
    // HSTS would lock readers of plain HTTP out.
    assert.equal(headers.get("strict-transport-security"), null);
    assert.equal(headers.get("x-powered-by"), null);
  }

  it("has no script and no style of its own, so that the policy can forbid them", async () => {
    const { client } = suite;
    await client.login();
    for (const path of ["/", "/create", "/1/update"]) {
      assert.doesNotMatch((await client.get(path)).text, /<script|<style| style=| on\w+=/i);
    }
  });

  it("gives the time in UTC", async () => {
    const { client, db } = suite;
    await db("post").where("id", 1).update("created", "2018-06-30 23:59:59");
    const { text } = await client.get("/");
    assert.ok(text.includes('<time datetime="2018-06-30T23:59:59Z">by test on 2018-06-30</time>'), text);
  });

  it("keeps the line breaks of a text, also those at its beginning", async () => {
    const { client, db } = suite;
    await client.login();
    const body = "\n\none\n  two\n";
    await client.post("/1/update", { title: "t", body: body.replaceAll("\n", "\r\n") });
    assert.equal((await db<{ body: string }>("post").first("body"))?.body, body);
    assert.ok((await client.get("/1/update")).text.includes(`>\n${body}</textarea>`));
    assert.ok((await client.get("/")).text.includes(`<p class="body">${body}</p>`));
  });

  it("shows each reader what is for them, also when they read the index at once", async () => {
    const { client: author, blog } = suite;
    const [guest, other] = [blog.client(), blog.client()];
    await author.login();
    await other.login("other", "other");
    const alone: string[] = [];
    for (const client of [author, guest, other]) alone.push((await client.get("/")).text);
    assert.deepEqual(
      alone.map((text) => text.includes('href="/1/update"')),
      [true, false, false],
    );
    const readers = Array.from({ length: 10 }, () => [author, guest, other]).flat();
    const pages = await Promise.all(readers.map(async (client) => (await client.get("/")).text));
    pages.forEach((text, index) => {
      assert.equal(text, alone[index % 3]);
    });
  });

  it("says which methods it accepts", async () => {
    const { client } = suite;
    for (const [method, path, allow] of [
      ["GET", "/auth/logout", "POST"],
      ["DELETE", "/create", "HEAD, GET, POST"],
      ["GET", "/1/delete", "POST"],
      ["POST", "/hello", "HEAD, GET"],
    ] as const) {
      const reply = await client.request(method, path);
      assert.equal(reply.status, 405, `${method} ${path}`);
      assert.equal(reply.headers.get("allow"), allow);
    }
  });

  for (const path of ["/0/update", "/01/update", "/-1/update", "/1.5/update", "/x/update", "/99999999999/update"]) {
    it(`does not exist at ${path}`, async () => {
      await suite.client.login();
      assert.equal((await suite.client.get(path)).status, 404);
    });
  }

  it("answers a request that it does not understand with 500, the request's id, and no detail", async () => {
    const { client, db, blog } = suite;
    await db.schema.renameTable("post", "post_elsewhere");
    await db.raw(
      "CREATE VIEW post AS SELECT id, author_id, 1/0 AS title, created, ST_GeomFromText(body) AS body FROM post_elsewhere",
    );
    try {
      const reply = await client.get("/");
      assert.equal(reply.status, 500);
      assert.ok(reply.text.includes(`<code>${String(reply.headers.get("x-request-id"))}</code>`), reply.text);
      assert.doesNotMatch(reply.text, /select|ER_|post_elsewhere/i);
      await assertValidHtml(reply.text);
      assert.equal((await blog.client().get("/auth/login")).status, 200);
    } finally {
      await db.raw("DROP VIEW post");
      await db.schema.renameTable("post_elsewhere", "post");
    }
  });
});

describe("A static file", () => {
  const suite = useBlog();

  for (const [name, type] of [
    ["style.css", "text/css; charset=utf-8"],
    ["favicon.svg", "image/svg+xml"],
  ] as const) {
    it(`may be kept for a while, and is then not sent again unless it has changed: ${name}`, async () => {
      const { client } = suite;
      const reply = await client.get(`/static/${name}`);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get("content-type"), type);
      assert.equal(reply.headers.get("cache-control"), "public, max-age=300");
      const etag = reply.headers.get("etag") ?? "";
      // Otherwise Node's fetch adds `Cache-Control: no-cache` to a conditional request.
      const headers = { "If-None-Match": etag, "Cache-Control": "max-age=0" };
      const again = await client.get(`/static/${name}`, { headers });
      assert.equal(again.status, 304);
      assert.equal(again.text, "");
      assert.equal(
        (await client.get(`/static/${name}`, { headers: { ...headers, "If-None-Match": '"x"' } })).status,
        200,
      );
    });
  }

  // tests/security/wire.test.ts tests paths that lead out of the folder.
  for (const path of ["/static/", "/static/none.css", "/static/__proto__"]) {
    it(`is not found at ${path}`, async () => {
      assert.equal((await suite.client.get(path)).status, 404);
    });
  }
});
