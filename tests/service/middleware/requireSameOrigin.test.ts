import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

/** The property that @koa/router adds to its middleware. */
interface Routed {
  router?: { stack: { methods: string[]; path: string }[] };
}

describe("The same-origin check", () => {
  const suite = useBlog();

  type Row = [headers: Record<string, string>, isAccepted: boolean];
  const tables: [behaviour: string, variables: { ORIGIN?: string; TRUSTED_PROXIES?: number }, rows: Row[]][] = [
    [
      "goes by Sec-Fetch-Site where browsers send it",
      {},
      [
        [{ "Sec-Fetch-Site": "same-origin", Origin: "http://evil.example" }, true],
        [{ "Sec-Fetch-Site": "none" }, true],
        [{ "Sec-Fetch-Site": "cross-site", Origin: "http://name" }, false],
        [{ "Sec-Fetch-Site": "same-site", Origin: "http://name" }, false],
        [{ "Sec-Fetch-Site": "same-origin, cross-site" }, false],
      ],
    ],
    [
      "otherwise compares the host names of Origin and Host, without ports and schemes",
      {},
      [
        [{}, true],
        [{ Origin: "http://name:5000" }, true],
        [{ Origin: "https://name" }, true],
        [{ Origin: "http://name:8080", Host: "NAME" }, true],
        [{ Origin: "http://evil.example" }, false],
        [{ Origin: "http://name.evil.example" }, false],
        [{ Origin: "http://name@evil.example" }, false],
        [{ Origin: "http://sub.name" }, false],
        [{ Origin: "null" }, false],
        // Only a trusted proxy may change the host name.
        [{ Origin: "https://blog.example", "X-Forwarded-Host": "blog.example" }, false],
      ],
    ],
    [
      "compares with ORIGIN if it is set",
      { ORIGIN: "https://blog.example/" },
      [
        [{ Origin: "http://blog.example:8443" }, true],
        [{ Origin: "http://name:5000" }, false],
        [{ Origin: "null" }, false],
      ],
    ],
    [
      "compares with the X-Forwarded-Host of a trusted proxy",
      { TRUSTED_PROXIES: 1 },
      [
        [{ Origin: "http://blog.example", "X-Forwarded-Host": "blog.example:80" }, true],
        [{ Origin: "http://name:5000", "X-Forwarded-Host": "blog.example:80" }, false],
      ],
    ],
  ];
  for (const [behaviour, variables, rows] of tables) {
    it(behaviour, async () => {
      const client = (await suite.startAnother(variables)).client("name:5000");
      for (const [headers, isAccepted] of rows) {
        const { status } = await client.post("/auth/logout", {}, { headers });
        assert.equal(status, isAccepted ? 302 : 403, JSON.stringify(headers));
      }
    });
  }

  it("refuses each form of another site, changes nothing, and names ORIGIN", async () => {
    const { db, blog } = suite;
    const routes = blog.app.middleware.flatMap((middleware) => (middleware as Routed).router?.stack ?? []);
    const unsafe = routes.filter(({ methods }) => methods.some((method) => !["GET", "HEAD"].includes(method)));
    assert.equal(unsafe.length, 6);
    const client = blog.client("backend:5000");
    await client.login();
    const state = () => Promise.all(["user", "post", "session"].map((table) => db(table).select()));
    const before = await state();
    const fields = { title: "new", body: "my\n& text", username: "other", password: "other" };
    for (const { path } of unsafe) {
      const headers = { Origin: "https://blog.example" };
      const { status, text } = await client.post(path.replace(":id", "1"), fields, { headers });
      assert.equal(status, 403, path);
      assert.match(text, /the site blog\.example, .+ This blog&#39;s host name is backend\. .+ must set ORIGIN\./);
      // A form would send the text of another site under the user's name.
      assert.ok(text.includes('<p class="body" dir="auto">my\n&amp; text</p>'), text);
      assert.doesNotMatch(text, /<input|<textarea|<form method/);
    }
    assert.deepEqual(await state(), before);
  });
});
