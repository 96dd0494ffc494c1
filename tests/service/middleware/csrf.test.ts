import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";
import type { Client } from "../client.ts";

/** The property that @koa/router adds to its middleware. */
interface Routed {
  router?: { stack: { methods: string[]; path: string }[] };
}

describe("A form", () => {
  const suite = useBlog();

  const forms: { path: string; fields: Record<string, string>; guest?: boolean }[] = [
    { path: "/auth/register", fields: { username: "new", password: "new" }, guest: true },
    { path: "/auth/login", fields: { username: "test", password: "test" }, guest: true },
    { path: "/auth/logout", fields: {} },
    { path: "/create", fields: { title: "new", body: "new" } },
    { path: "/1/update", fields: { title: "new", body: "new" } },
    { path: "/1/delete", fields: {} },
  ];

  const foreign: Record<string, string>[] = [
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "cross-site", Origin: "OWN" },
    { Origin: "http://evil.example" },
    { Origin: "null" },
    { Origin: "OWN.evil.example" },
    { Origin: "OWN, OWN" },
    { Origin: "file://" },
    { "Sec-Fetch-Site": "SAME-ORIGIN" },
    { "Sec-Fetch-Site": "same-origin, cross-site" },
  ];
  const own: Record<string, string>[] = [
    { "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
    { Origin: "OWN" },
    {},
  ];

  function withOwnOrigin(headers: Record<string, string>): Record<string, string> {
    return headers.Origin ? { ...headers, Origin: headers.Origin.replaceAll("OWN", suite.blog.url) } : headers;
  }

  async function state(): Promise<unknown> {
    const { db } = suite;
    const users = await db("user").select("username");
    return { users, posts: await db("post").select(), sessions: (await db("session").select()).length };
  }

  async function clientFor(guest = false): Promise<Client> {
    if (!guest) await suite.client.login();
    return suite.client;
  }

  it("is one of those that these tests know", () => {
    const routes = suite.blog.app.middleware.flatMap((middleware) => (middleware as Routed).router?.stack ?? []);
    const paths = routes.filter(({ methods }) => methods.includes("POST")).map(({ path }) => path.replace(":id", "1"));
    assert.deepEqual(
      paths,
      forms.map(({ path }) => path),
    );
  });

  for (const { path, fields, guest } of forms) {
    it(`to ${path} is refused without a token, whatever page it says it comes from, and changes nothing`, async () => {
      const client = await clientFor(guest);
      await client.get("/auth/login");
      const before = await state();
      for (const headers of [
        {},
        { Referer: `${suite.blog.url}${path}` },
        { Referer: "http://evil.example/" },
        { Origin: suite.blog.url, Referer: `${suite.blog.url}${path}`, "Sec-Fetch-Site": "same-origin" },
        { "X-Requested-With": "XMLHttpRequest", "X-CSRF-Token": await client.token() },
      ]) {
        const reply = await client.post(path, fields, { token: null, headers });
        assert.equal(reply.status, 403, JSON.stringify(headers));
        assert.match(reply.text, /This form has expired, so nothing was changed/);
      }
      assert.deepEqual(await state(), before);
    });

    it(`to ${path} is refused with a token that is wrong, empty, given twice, or somebody else's`, async () => {
      const client = await clientFor(guest);
      const before = await state();
      const stranger = suite.blog.client();
      for (const token of ["wrong", "", await stranger.token()]) {
        assert.equal((await client.post(path, fields, { token })).status, 403, `token ${token}`);
      }
      const token = await client.token();
      const twice = [...Object.entries(fields), ["_csrf", token], ["_csrf", token]] as [string, string][];
      const body = new URLSearchParams(twice);
      assert.equal((await client.request("POST", path, {}, body)).status, 403);
      assert.deepEqual(await state(), before);
    });

    for (const headers of foreign) {
      it(`to ${path} is refused from another site, even with the token: ${JSON.stringify(headers)}`, async () => {
        const client = await clientFor(guest);
        const before = await state();
        const reply = await client.post(path, fields, { headers: withOwnOrigin(headers) });
        assert.equal(reply.status, 403);
        assert.match(reply.text, /This form was sent from another site/);
        assert.deepEqual(await state(), before);
      });
    }

    for (const headers of own) {
      it(`to ${path} is accepted from the blog's own page: ${JSON.stringify(headers)}`, async () => {
        const client = await clientFor(guest);
        const reply = await client.post(path, fields, { headers: withOwnOrigin(headers) });
        assert.equal(reply.status, 302);
      });
    }
  }

  it("of a browser that keeps no cookies is refused with a message that names cookies", async () => {
    for (const path of ["/auth/login", "/auth/register"]) {
      const client = suite.blog.client();
      const token = await client.token();
      client.cookies.clear();
      const reply = await client.post(path, { username: "test", password: "test" }, { token });
      assert.equal(reply.status, 403);
      assert.match(reply.text, /did not send the cookie of this form, .* Please allow cookies for this site/);
      assert.doesNotMatch(reply.text, /expired/);
    }
  });

  it("with a cookie that another key has signed has expired, and is valid when it is opened again", async () => {
    const { client } = suite;
    const token = await client.token();
    client.cookies.set(client.cookieName("guest.sig"), "another");
    assert.match((await client.login()).location ?? "", /^\/$/);
    client.cookies.set(client.cookieName("guest.sig"), "another");
    const guest = suite.blog.client();
    for (const name of ["guest", "guest.sig"]) guest.cookies.set(client.cookieName(name), "another");
    const fields = { username: "test", password: "test" };
    assert.match((await guest.post("/auth/login", fields, { token })).text, /expired/);
    assert.equal((await guest.login()).location, "/");
  });

  describe("behind a proxy", () => {
    const send = (host: string, origin: string) => {
      const client = suite.blog.client(host);
      return client.post("/auth/login", { username: "test", password: "test" }, { headers: { Origin: origin } });
    };

    for (const [host, origin] of [
      ["name:80", "http://name"],
      ["name:443", "https://name"],
      ["name", "http://name"],
      ["name", "https://name"],
      ["NAME:80", "http://name"],
      ["[2001:db8::1]:80", "http://[2001:db8::1]"],
      ["name:8080", "http://name:8080"],
    ] as const) {
      it(`is accepted from ${origin} for the host ${host}`, async () => {
        assert.equal((await send(host, origin)).location, "/");
      });
    }

    for (const [host, origin] of [
      ["name:80", "https://name"],
      ["name:443", "http://name"],
      ["name:80", "http://name:8080"],
      ["name:8080", "http://name"],
      ["name", "http://name.evil.example"],
      ["name", "http://name@evil.example"],
      ["name:80", "http://evil.example"],
      ["name:80", "ftp://name"],
      ["name:80", "null"],
      ["name:80", "http://"],
      ["name:80", "//name"],
    ] as const) {
      it(`is refused from ${origin} for the host ${host}`, async () => {
        assert.equal((await send(host, origin)).status, 403);
      });
    }
  });

  describe("behind a trusted proxy that has another host", () => {
    const trusting = useBlog({ TRUSTED_PROXIES: 1 });
    it("is accepted for the host that the proxy names", async () => {
      const client = trusting.blog.client("backend:5000");
      const headers = { "X-Forwarded-Host": "name:80" };
      const page = await client.get("/auth/login", { headers });
      const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
      const fields = { username: "test", password: "test" };
      const reply = await client.post("/auth/login", fields, { token, headers: { ...headers, Origin: "http://name" } });
      assert.equal(reply.location, "/");
      assert.ok(client.cookies.has("session"));
    });

    it("is refused without trust in a proxy", async () => {
      const headers = { Origin: "http://name", "X-Forwarded-Host": "name" };
      const reply = await suite.client.post("/auth/login", { username: "test", password: "test" }, { headers });
      assert.equal(reply.status, 403);
    });
  });

  it("of a guest is not valid after log-in: the token belongs to the session", async () => {
    const { client } = suite;
    const token = await client.token();
    await client.login();
    assert.equal((await client.post("/create", { title: "new", body: "" }, { token })).status, 403);
  });

  it("is refused with the token of another session, even the same user's, and of one that is over", async () => {
    const { client, blog, db } = suite;
    await client.login();
    const [elsewhere, former] = [blog.client(), blog.client()];
    for (const other of [elsewhere, former]) await other.login();
    const tokens = [await elsewhere.token(), await former.token()];
    await former.logout();
    for (const token of tokens) {
      for (const path of ["/create", "/1/update", "/1/delete", "/auth/logout"]) {
        assert.equal((await client.post(path, { title: "new", body: "new" }, { token })).status, 403, path);
      }
    }
    // The token is also invalid in its own browser, because its session has ended.
    assert.equal((await former.post("/create", {}, { token: tokens[1] ?? null })).location, "/auth/login");
    assert.equal((await db("post").select()).length, 1);
  });

  it("that has expired keeps the text of a post, in a form that can be sent again", async () => {
    const { client, db } = suite;
    await client.login();
    const reply = await client.post("/create", { title: "<My> title", body: "\nmy & text" }, { token: "old" });
    assert.equal(reply.status, 403);
    assert.ok(reply.text.includes('value="&lt;My&gt; title"'), reply.text);
    assert.ok(reply.text.includes("\nmy &amp; text</textarea>"), reply.text);

    const token = /<form method="post">\s*<input type="hidden" name="_csrf" value="([^"]+)"/.exec(reply.text)?.[1];
    await client.post("/create", { title: "<My> title", body: "\nmy & text" }, { token: token ?? null });
    const posts = await db("post").select("title", "body").where("title", "<My> title");
    assert.deepEqual(posts[0], { title: "<My> title", body: "\nmy & text" });
  });

  it("that has expired never shows a password", async () => {
    const reply = await suite.client.post("/auth/login", { username: "test", password: "s3cret" }, { token: "old" });
    assert.ok(!reply.text.includes("s3cret"));
  });
});
