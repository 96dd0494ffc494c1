import assert from "node:assert/strict";
import { useBlog } from "./blog.ts";
import type { Client } from "./client.ts";

/** What @koa/router puts on its middleware. */
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
    it(`to ${path} is refused without a token, and changes nothing`, async () => {
      const client = await clientFor(guest);
      await client.get("/auth/login");
      const before = await state();
      const reply = await client.post(path, fields, { token: null });
      assert.equal(reply.status, 403);
      assert.match(reply.text, /This form has expired, so nothing was changed/);
      assert.deepEqual(await state(), before);
    });

    it(`to ${path} is refused without a token, whatever page it says it comes from`, async () => {
      const client = await clientFor(guest);
      await client.get("/auth/login");
      const before = await state();
      for (const headers of [
        { Referer: `${suite.blog.url}${path}` },
        { Referer: "http://evil.example/" },
        { Origin: suite.blog.url, Referer: `${suite.blog.url}${path}`, "Sec-Fetch-Site": "same-origin" },
        { "X-Requested-With": "XMLHttpRequest", "X-CSRF-Token": await client.token() },
      ]) {
        assert.equal((await client.post(path, fields, { token: null, headers })).status, 403, JSON.stringify(headers));
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
    // Nor is it worth anything where it comes from: there is no session any more.
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
