import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

/** The property that @koa/router adds to its middleware. */
interface Routed {
  router?: { stack: { methods: string[]; path: string }[] };
}

describe("The same-origin check", () => {
  const suite = useBlog();
  const user = { username: "test", password: "test" };

  // SELF is the blog's own host with its port.
  const table: [ORIGIN: string | undefined, headers: Record<string, string>, isAccepted: boolean][] = [
    [undefined, {}, true],
    [undefined, { "Sec-Fetch-Site": "same-origin" }, true],
    [undefined, { "Sec-Fetch-Site": "none" }, true],
    [undefined, { "Sec-Fetch-Site": "cross-site" }, false],
    [undefined, { "Sec-Fetch-Site": "same-site" }, false],
    [undefined, { "Sec-Fetch-Site": "SAME-ORIGIN" }, false],
    [undefined, { "Sec-Fetch-Site": "same-origin, cross-site" }, false],
    // Sec-Fetch-Site decides before Origin.
    [undefined, { "Sec-Fetch-Site": "cross-site", Origin: "http://SELF" }, false],
    [undefined, { "Sec-Fetch-Site": "same-origin", Origin: "http://evil.example" }, true],
    [undefined, { Origin: "http://SELF" }, true],
    [undefined, { Origin: "http://evil.example" }, false],
    [undefined, { Origin: "http://SELF.evil.example" }, false],
    [undefined, { Origin: "http://SELF, http://SELF" }, false],
    [undefined, { Origin: "null" }, false],
    [undefined, { Origin: "file://" }, false],
    [undefined, { Origin: "http://" }, false],
    [undefined, { Origin: "//name", Host: "name" }, false],
    // A proxy may drop the port, as nginx's $host does, add a default port, or terminate TLS.
    [undefined, { Origin: "http://name:8080", Host: "name" }, true],
    [undefined, { Origin: "http://name", Host: "NAME:80" }, true],
    [undefined, { Origin: "https://name", Host: "name:5000" }, true],
    [undefined, { Origin: "http://[2001:db8::1]", Host: "[2001:db8::1]:80" }, true],
    [undefined, { Origin: "http://name@evil.example", Host: "name" }, false],
    [undefined, { Origin: "http://name.evil.example", Host: "name" }, false],
    // A proxy with another host name.
    [undefined, { Origin: "https://blog.example", Host: "backend:5000" }, false],
    [undefined, { Origin: "https://blog.example", Host: "backend", "X-Forwarded-Host": "blog.example" }, false],
    ["https://blog.example", { Origin: "https://blog.example", Host: "backend:5000" }, true],
    ["https://blog.example/", { Origin: "http://blog.example:8443", Host: "backend" }, true],
    ["https://blog.example", { Origin: "http://backend", Host: "backend" }, false],
    ["https://blog.example", { Origin: "null", Host: "backend" }, false],
    ["https://blog.example", { "Sec-Fetch-Site": "cross-site", Origin: "https://blog.example" }, false],
  ];
  for (const [origin, headers, isAccepted] of table) {
    const setting = origin === undefined ? "" : ` with ORIGIN=${origin}`;
    it(`${isAccepted ? "accepts" : "refuses"} ${JSON.stringify(headers)}${setting}`, async () => {
      const blog = origin === undefined ? suite.blog : await suite.startAnother({ ORIGIN: origin });
      const self = new URL(blog.url).host;
      const sent = Object.entries(headers).map(([name, value]) => [name, value.replaceAll("SELF", self)] as const);
      const reply = await blog.client().post("/auth/login", user, { headers: Object.fromEntries(sent) });
      assert.equal(reply.status, isAccepted ? 302 : 403, reply.text);
      assert.equal((await suite.db("session").select()).length, isAccepted ? 1 : 0);
    });
  }

  it("uses the host name that a trusted proxy forwards", async () => {
    const client = (await suite.startAnother({ TRUSTED_PROXIES: 1 })).client("backend:5000");
    const headers = { Origin: "http://name", "X-Forwarded-Host": "name:80" };
    assert.equal((await client.post("/auth/login", user, { headers })).location, "/");
  });

  const posts: Record<string, Record<string, string>> = {
    "/auth/register": { username: "new", password: "new" },
    "/auth/login": { username: "other", password: "other" },
    "/auth/logout": {},
    "/create": { title: "new", body: "new" },
    "/1/update": { title: "new", body: "new" },
    "/1/delete": {},
  };

  it("is tested with every route that accepts POST", () => {
    const routes = suite.blog.app.middleware.flatMap((middleware) => (middleware as Routed).router?.stack ?? []);
    const unsafe = routes.filter(({ methods }) => methods.some((method) => !["GET", "HEAD"].includes(method)));
    assert.deepEqual(
      unsafe.map(({ path }) => path.replace(":id", "1")),
      Object.keys(posts),
    );
  });

  for (const [path, fields] of Object.entries(posts)) {
    it(`refuses POST ${path} from another site, and changes nothing`, async () => {
      const { client, db } = suite;
      await client.login();
      const state = () => Promise.all(["user", "post", "session"].map((table) => db(table).select()));
      const before = await state();
      const reply = await client.post(path, fields, { headers: { "Sec-Fetch-Site": "cross-site" } });
      assert.equal(reply.status, 403);
      assert.match(reply.text, /This form was sent from another site, so nothing was changed\./);
      assert.deepEqual(await state(), before);
    });
  }

  it("names both host names and ORIGIN, and shows the text without a form", async () => {
    const client = suite.blog.client("backend:5000");
    const fields = { title: "<My> title", body: "my\n& text", form_id: "x" };
    const { status, text } = await client.post("/create", fields, { headers: { Origin: "https://blog.example" } });
    assert.equal(status, 403);
    assert.match(text, /the site blog\.example, .+ This blog&#39;s host name is backend\. .+ must set ORIGIN\./);
    assert.ok(text.includes('<p dir="auto">&lt;My&gt; title</p>'), text);
    assert.ok(text.includes('<p class="body" dir="auto">my\n&amp; text</p>'), text);
    // A form would send the text of another site under the user's name.
    assert.doesNotMatch(text, /<input|<textarea|<form method/);
  });
});
