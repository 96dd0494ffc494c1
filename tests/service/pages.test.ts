import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import type { Browser } from "playwright-core";

import type { Client, Reply } from "../client.ts";
import { hasChromium, openBrowser, violations } from "../e2e/browser.ts";
import { useBlog } from "./blog.ts";
import { assertValidHtml } from "./html.ts";

const style = readFileSync(new URL("../../service/static/style.css", import.meta.url), "utf8");

describe("Pages", () => {
  const suite = useBlog();
  let browser: Browser | undefined;

  before("start Chromium", async () => {
    if (hasChromium()) browser = await openBrowser();
  });
  after("stop Chromium", () => browser?.close());

  const post = { title: "a", body: "b" };
  const foreign = { headers: { Origin: "http://evil.example" } };
  const pages: [name: string, status: number, user: string, get: (client: Client) => Promise<Reply>][] = [
    ["the index for a guest", 200, "", (client) => client.get("/")],
    ["the index for an author", 200, "test", (client) => client.get("/")],
    ["the index without posts", 200, "", (client) => client.get("/?before=2000-01-01T00:00:00_1")],
    ["a post for a guest", 200, "", (client) => client.get("/1")],
    ["a post for its author", 200, "test", (client) => client.get("/1")],
    ["the login form", 200, "", (client) => client.get("/auth/login")],
    ["the login form with an error", 200, "", (client) => client.login("test", "wrong")],
    ["the registration form", 200, "", (client) => client.get("/auth/register")],
    [
      "the registration form with an error",
      200,
      "",
      (client) => client.post("/auth/register", { username: "", password: "" }),
    ],
    ["the form of a new post", 200, "test", (client) => client.get("/create")],
    [
      "the form of a new post with an error",
      200,
      "test",
      (client) => client.post("/create", { title: "", body: "text" }),
    ],
    ["the form of an existing post", 200, "test", (client) => client.get("/1/update")],
    ["a wrong cursor", 400, "", (client) => client.get("/?before=x")],
    ["another user's post", 403, "other", (client) => client.get("/1/update")],
    ["a Save after a logout elsewhere", 403, "", (client) => client.post("/create", post)],
    ["a form of another site", 403, "test", (client) => client.post("/auth/logout", {}, foreign)],
    ["a post of another site", 403, "test", (client) => client.post("/create", post, foreign)],
    ["a missing post", 404, "", (client) => client.get("/9")],
    ["a wrong method", 405, "", (client) => client.get("/auth/logout")],
    ["a form that is too large", 413, "", (client) => client.post("/auth/login", { username: "x".repeat(256 * 1024) })],
  ];
  for (const [name, status, user, get] of pages) {
    it(`are valid, accessible and private: ${name}`, async () => {
      const { client } = suite;
      if (user !== "") await client.login(user, user);
      const { status: found, headers, text } = await get(client);
      assert.equal(found, status, text);
      await assertValidHtml(text);
      assert.doesNotMatch(text, /<script|<style| style=| on\w+=/i, "the Content-Security-Policy forbids these");
      if (browser) {
        const page = await browser.newPage();
        await page.setContent(text.replace("</head>", `<style>${style}</style></head>`));
        assert.deepEqual(await violations(page), []);
        await page.close();
      }
      assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
      // With `no-store`, the Back button would show an empty form.
      assert.equal(headers.get("cache-control"), "private, no-cache");
      assert.match(headers.get("x-request-id") ?? "", /^[\w-]+$/);
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
    });
  }

  it("a post has a page, to which its title on the index links", async () => {
    const { client, db } = suite;
    await db("post").where("id", 1).update({ title: "a <title>", body: "two\nlines", created: "2018-06-30 23:59:59" });
    const heading = '<a href="/1" dir="auto">a &lt;title&gt;</a>';
    const time = '<time datetime="2018-06-30T23:59:59Z">by test on 2018-06-30</time>';
    const body = '<p class="body" dir="auto">two\nlines</p>';
    const index = (await client.get("/")).text;
    for (const part of [heading, time, body]) assert.ok(index.includes(part), index);
    const page = (await client.get("/1")).text;
    for (const part of ['<h1 dir="auto">a &lt;title&gt;</h1>', time, body, "<title>a &lt;title&gt; - Flaskr</title>"]) {
      assert.ok(page.includes(part), page);
    }
  });

  it("only the author sees the links to edit a post, also when others read at once", async () => {
    const { client: author, blog } = suite;
    const [guest, other] = [blog.client(), blog.client()];
    await author.login();
    await other.login("other", "other");
    const readers = Array.from({ length: 5 }, () => [author, guest, other]).flat();
    for (const path of ["/", "/1"]) {
      const pages = await Promise.all(readers.map(async (reader) => (await reader.get(path)).text));
      pages.forEach((text, i) => {
        assert.equal(text.includes('href="/1/update"'), i % 3 === 0, path);
        assert.equal(text.includes("<span>other</span>"), i % 3 === 2, path);
      });
    }
  });

  it("forms keep line breaks, also those at the beginning of a text", async () => {
    const { client, db } = suite;
    await client.login();
    const body = "\n\none\n  two\n";
    await client.post("/1/update", { title: "t", body: body.replaceAll("\n", "\r\n") });
    assert.equal((await db<{ body: string }>("post").first("body"))?.body, body);
    assert.ok((await client.get("/1/update")).text.includes(`>\n${body}</textarea>`));
    assert.ok((await client.get("/1")).text.includes(`<p class="body" dir="auto">${body}</p>`));
  });

  for (const id of ["0", "01", "-1", "1.5", "x", "99999999999"]) {
    it(`/${id} and /${id}/update do not exist`, async () => {
      await suite.client.login();
      for (const path of [`/${id}`, `/${id}/update`]) assert.equal((await suite.client.get(path)).status, 404, path);
    });
  }

  for (const [method, path, allow] of [
    ["GET", "/auth/logout", "POST"],
    ["DELETE", "/create", "HEAD, GET, POST"],
    ["GET", "/1/delete", "POST"],
    ["POST", "/hello", "HEAD, GET"],
  ] as const) {
    it(`${method} ${path} is a 405 with Allow: ${allow}`, async () => {
      const reply = await suite.client.request(method, path);
      assert.equal(reply.status, 405);
      assert.equal(reply.headers.get("allow"), allow);
    });
  }

  it("a missing column is a 500 with the request's id and no detail, not a 503", async () => {
    const { client, db, blog } = suite;
    const lines: string[] = [];
    const other = await suite.startAnother({ LOG_LEVEL: "error" }, { write: (line) => void lines.push(line) });
    await db.raw("ALTER TABLE post RENAME COLUMN body TO boddy");
    try {
      const { status, text, headers } = await other.client().get("/");
      assert.equal(status, 500);
      assert.ok(text.includes(`<code>${String(headers.get("x-request-id"))}</code>`), text);
      assert.doesNotMatch(text, /select|ER_|boddy/i);
      await assertValidHtml(text);
      assert.match(lines.join(""), /"code":"INTERNAL_ERROR","message":".*Unknown column/);
      assert.equal(headers.get("retry-after"), null);
      await client.login();
      assert.equal((await client.post("/create", { title: "kept", body: "x" })).status, 500);
      assert.equal((await blog.client().get("/auth/login")).status, 200);
    } finally {
      await db.raw("ALTER TABLE post RENAME COLUMN boddy TO body");
    }
  });
});

// tests/security tests paths that lead out of the folder.
describe("Static files", () => {
  const suite = useBlog();

  for (const [name, type] of [
    ["style.css", "text/css; charset=utf-8"],
    ["favicon.svg", "image/svg+xml"],
  ] as const) {
    it(`${name} is cached for 5 minutes, and then sent only if it has changed`, async () => {
      const { client } = suite;
      const reply = await client.get(`/static/${name}`);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get("content-type"), type);
      assert.equal(reply.headers.get("cache-control"), "public, max-age=300");
      const etag = reply.headers.get("etag") ?? "";
      const again = await client.get(`/static/${name}`, { headers: { "If-None-Match": etag } });
      assert.deepEqual([again.status, again.text], [304, ""]);
      assert.equal((await client.get(`/static/${name}`, { headers: { "If-None-Match": '"x"' } })).status, 200);
    });
  }

  for (const path of ["/static/", "/static/none.css", "/static/__proto__"]) {
    it(`${path} is a 404`, async () => {
      assert.equal((await suite.client.get(path)).status, 404);
    });
  }
});
