import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";

type Headers = Record<string, string>;

const forms: [path: string, fields: Record<string, string>][] = [
  ["/create", { title: "forged", body: "kept" }],
  ["/1/update", { title: "forged", body: "kept" }],
  ["/1/delete", {}],
  ["/auth/logout", {}],
  ["/auth/login", { username: "other", password: "other" }],
  ["/auth/register", { username: "forged", password: "x" }],
];

/** Headers of browsers with a form of another site. */
const foreign: [sender: string, headers: Headers][] = [
  ["another site over HTTPS", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
  ["a sibling domain", { Origin: "https://evil.blog.example", "Sec-Fetch-Site": "same-site" }],
  ["another site over HTTP, without Sec-Fetch-Site", { Origin: "http://evil.example" }],
  ["a sandboxed frame or a data: URL", { Origin: "null" }],
  ["a site whose name begins with the blog's", { Origin: "http://blog.example.evil.example" }],
  ["a site with the blog's name as its user", { Origin: "http://blog.example@evil.example" }],
  ["a subdomain", { Origin: "http://sub.blog.example" }],
];

const own: [sender: string, headers: Headers][] = [
  ["a page of the blog over HTTPS", { Origin: "https://blog.example", "Sec-Fetch-Site": "same-origin" }],
  ["a page of the blog over HTTP", { Origin: "http://blog.example" }],
  ["a page behind a proxy that drops the port", { Origin: "http://blog.example:8080" }],
  ["a page behind a proxy that ends TLS", { Origin: "https://blog.example" }],
  ["the user's address bar", { "Sec-Fetch-Site": "none" }],
  ["a client without these headers, which is not a browser", {}],
];

describe("A form", () => {
  const suite = useBlog();
  const rows = async () => [
    await suite.db("user").pluck("username"),
    await suite.db("post").select(),
    (await suite.db("session").select()).length,
  ];
  const loggedIn = async () => {
    const client = suite.blog.client("blog.example");
    await client.login();
    return client;
  };

  for (const [path, fields] of forms) {
    it(`to ${path} is refused from other sites, and keeps its text`, async () => {
      const client = await loggedIn();
      const before = await rows();
      for (const [sender, headers] of foreign) {
        const { status, text } = await client.post(path, fields, { headers });
        assert.equal(status, 403, sender);
        assert.equal(text.includes('<p class="body" dir="auto">kept</p>'), "body" in fields);
        assert.doesNotMatch(text, /type="submit" value="Save"/);
      }
      assert.deepEqual(await rows(), before);
      assert.match((await client.get("/")).text, /<li><span>test<\/span>/);
    });
  }

  for (const [sender, headers] of own) {
    it(`from ${sender} is accepted`, async () => {
      const client = await loggedIn();
      const { status } = await client.post("/create", { title: "own", body: "" }, { headers });
      assert.equal(status, 302);
    });
  }

  it("is compared with the setting ORIGIN, not with the Host header, if it is set", async () => {
    const blog = await suite.startAnother({ ORIGIN: "https://blog.example" });
    const from = (Origin: string) => blog.client("internal.example").post("/auth/logout", {}, { headers: { Origin } });
    assert.equal((await from("https://blog.example")).status, 302);
    for (const other of ["http://internal.example", blog.url]) assert.equal((await from(other)).status, 403, other);
  });

  it("cannot be sent by scripts of other sites, which get no CORS headers", async () => {
    for (const method of ["OPTIONS", "GET"]) {
      const { headers } = await suite.client.request(method, "/auth/login", { Origin: "https://evil.example" });
      assert.deepEqual(
        [...headers.keys()].filter((name) => name.startsWith("access-control")),
        [],
      );
    }
  });
});
