import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import type { Client, Reply } from "../service/client.ts";
import { elements, unescaped } from "./elements.ts";
import { patiently } from "./patience.ts";

const payloads = [
  "<script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "</textarea><script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '" autofocus onfocus="alert(1)',
  "' onmouseover='alert(1)",
  "` onload=`alert(1)",
  'x" formaction="javascript:alert(1)',
  "javascript:alert(1)",
  "<!--",
  "--><script>alert(1)</script>",
  "]]><script>alert(1)</script>",
  "<scr<script>ipt>alert(1)</scr</script>ipt>",
  "<iframe srcdoc='<script>alert(1)</script>'>",
  "<a href=//evil.example>x</a>",
  "<meta http-equiv=refresh content=0;url=//evil.example>",
  "<base href=//evil.example>",
  "<style>@import '//evil.example'</style>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "&#60;script&#62;alert(1)",
  "\\u003cscript\\u003ealert(1)",
  "＜script＞alert(1)＜/script＞",
  "\ufeff<script>alert(1)</script>",
  "+ADw-script+AD4-alert(1)",
  "{{7*7}}",
  "{{ range.constructor('return process')() }}",
  '{% include "base.html" %}',
  "{# #}{{ csrfToken() }}",
  "${7*7}",
  "<%= 7*7 %>",
];

const harmless = "harmless";

describe("A script", function () {
  this.timeout(120_000);
  const suite = useBlog();

  async function loggedIn(): Promise<Client> {
    const client = suite.blog.client();
    assert.equal((await patiently(() => client.login())).location, "/");
    return client;
  }

  /** A page with a payload must have the same elements as with harmless text, and show the payload as text. */
  async function assertHarmless(page: (text: string) => Promise<Reply>, shown = true): Promise<void> {
    const expected = await patiently(() => page(harmless));
    for (const payload of payloads) {
      const reply = await patiently(() => page(payload));
      assert.equal(reply.status, expected.status, payload);
      assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
      assert.deepEqual(await elements(reply.text), await elements(expected.text), payload);
      if (!shown) continue;
      const count = (text: string, part: string) => text.split(part).length;
      // The blog trims user names.
      assert.equal(count(unescaped(reply.text), payload.trim()), count(expected.text, harmless), payload);
    }
  }

  const fields = ["title", "body"] as const;
  for (const field of fields) {
    const pages: [where: string, path: string, isGuest: boolean][] = [
      ["the index", "/", true],
      ["its author's index", "/", false],
      ["the form that changes it", "/1/update", false],
    ];
    for (const [where, path, isGuest] of pages) {
      it(`in the ${field} of a post is text on ${where}`, async () => {
        const author = await loggedIn();
        const reader = isGuest ? suite.blog.client() : author;
        await assertHarmless(async (text) => {
          const post = { title: "any", body: "any", [field]: text };
          assert.equal((await author.post("/1/update", post)).location, "/");
          return reader.get(path);
        });
      });
    }

    for (const path of ["/create", "/1/update"]) {
      it(`in the ${field} of a post that is refused is text in the form at ${path}`, async () => {
        const author = await loggedIn();
        await assertHarmless((text) =>
          author.post(
            path,
            field === "title" ? { title: text + "x".repeat(255), body: "any" } : { title: "", body: text },
          ),
        );
      });

      it(`in the ${field} of a form that has expired is text in the page at ${path} that says so`, async () => {
        const author = await loggedIn();
        await assertHarmless((text) =>
          author.post(path, { title: "any", body: "any", [field]: text }, { token: "old" }),
        );
      });
    }
  }

  it("in a user's name is text on each page that shows it", async () => {
    const author = await loggedIn();
    for (const path of ["/", "/create", "/1/update", "/404"]) {
      await assertHarmless(async (username) => {
        await suite.db("user").where("id", 1).update({ username });
        return author.get(path);
      });
    }
    await suite.db("user").where("id", 1).update({ username: "test" });
  });

  it("in a user's name is text in the forms that refuse it, also where it is taken", async () => {
    const guest = suite.blog.client();
    await assertHarmless((username) => guest.post("/auth/register", { username, password: "" }));
    await assertHarmless(async (username) => {
      await suite.db("attempt").delete();
      await suite.db("user").where("id", 1).update({ username });
      return guest.post("/auth/register", { username, password: "x" });
    }, false);
    await assertHarmless((username) => guest.login(username, "wrong"));
  });

  it("in a name that is tried too often is text in the page that says so", async () => {
    const guest = suite.blog.client();
    await assertHarmless(async (username) => {
      await suite.db("attempt").delete();
      await guest.login(username, "wrong");
      await suite.db("attempt").update({ count: 10 });
      const reply = await guest.login(username, "wrong");
      assert.equal(reply.status, 429);
      return reply;
    });
  });

  it("in a password is not shown at all", async () => {
    const guest = suite.blog.client();
    for (const payload of payloads) {
      for (const path of ["/auth/register", "/auth/login"]) {
        const { text } = await guest.post(path, { username: " new", password: payload });
        assert.ok(!unescaped(text).includes(payload), payload);
      }
    }
  });

  it("in a path is text in the page that says there is no such post", async () => {
    const author = await loggedIn();
    await assertHarmless((text) => author.get(`/${encodeURIComponent(text)}/update`));
  });

  const elsewhere: [where: string, send: (text: string) => Promise<Reply>][] = [
    ["a query", (text) => suite.client.get(`/?before=${encodeURIComponent(text)}`)],
    ["a path that nothing has", (text) => suite.client.get(`/${encodeURIComponent(text)}`)],
    ["the name of a field", (text) => suite.client.post("/auth/login", { [text]: "x" })],
    [
      "a query's name",
      (text) => suite.client.get(`/auth/login?${encodeURIComponent(text)}=${encodeURIComponent(text)}`),
    ],
    [
      "headers",
      (text) => {
        const value = Buffer.from(text).toString("latin1");
        const names = ["X-Request-Id", "Referer", "User-Agent", "X-Forwarded-Host", "X-Forwarded-For"];
        return suite.client.get("/", { headers: Object.fromEntries(names.map((name) => [name, value])) });
      },
    ],
    ["a cookie", (text) => suite.client.get("/", { headers: { Cookie: `guest=${encodeURIComponent(text)}` } })],
  ];
  for (const [where, send] of elsewhere) {
    it(`in ${where} is on no page`, async () => {
      await assertHarmless(send, false);
      for (const payload of payloads) assert.ok(!(await send(payload)).text.includes(payload), payload);
    });
  }
});
