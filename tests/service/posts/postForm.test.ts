import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import type { Client } from "../../client.ts";
import { useBlog } from "../blog.ts";

const FORM = "application/x-www-form-urlencoded";

describe("The form of a post", () => {
  const suite = useBlog();
  let client: Client;

  beforeEach(async () => {
    client = suite.client;
    await client.login();
  });

  const lastPost = () =>
    suite.db<{ title: string; body: string; author_id: number }>("post").first().orderBy("id", "desc");
  const titles = () => suite.db("post").pluck<string[]>("title").orderBy("id");

  for (const [what, title, body, message] of [
    ["no title", "", "text", "Title is required."],
    ["a title of spaces", " \u00a0 ", "text", "Title is required."],
    ["a title of zero-width spaces (U+200B)", "\u200b\u200b", "text", "Title is required."],
    ["a title of Hangul fillers (U+3164)", "\u3164", "text", "Title is required."],
    ["a title of empty Braille patterns (U+2800)", "\u2800 \u2800", "text", "Title is required."],
    ["a title that is too long", "x".repeat(256), "text", "Title must be at most 255 characters."],
    ["a body that is too long", "title", "x".repeat(16_001), "Body must be at most 16000 characters."],
  ] as const) {
    it(`refuses ${what}, keeps the text and stores nothing`, async () => {
      for (const path of ["/create", "/1/update"]) {
        const { status, text } = await client.post(path, { title, body });
        assert.equal(status, 200);
        assert.ok(text.includes(`role="alert">${message}</div>`), text);
        assert.ok(text.includes(`id="title" value="${title}"`), text);
        assert.ok(text.includes(`>\n${body}</textarea>`), text);
      }
      assert.deepEqual(await titles(), ["test title"]);
    });
  }

  for (const [what, title, body] of [
    ["the longest title", "x".repeat(255), ""],
    ["the longest body", "title", "x".repeat(16_000)],
    ["the longest body of the longest characters", "title", "🐟".repeat(8_000)],
    ["the longest body of line breaks, as a browser sends them", "title", "\r\n".repeat(16_000)],
    ["any characters", "a\0b 🐟 \u202e %zz ?a;b", "\u2028 ' \" \\ % _ ; -- \0"],
    ["a title with spaces around it", " title ", " body "],
  ] as const) {
    it(`stores ${what} unchanged`, async () => {
      for (const path of ["/create", "/1/update"]) {
        assert.equal((await client.post(path, { title, body })).location, "/");
        await suite.db("post").where("id", ">", 1).delete().whereNot("title", title);
        assert.deepEqual(await suite.db("post").select("title", "body", "author_id").orderBy("id", "desc").first(), {
          title,
          body: body.replaceAll("\r\n", "\n"),
          author_id: 1,
        });
      }
      assert.deepEqual(await titles(), [title, title]);
    });
  }

  for (const body of [
    "title=x",
    "title=a&title=b&body=c",
    "title[]=a&body=c",
    "title[a]=b&body=c",
    "__proto__[title]=a&body=c",
  ]) {
    it(`answers 400 to ${body}, and stores nothing`, async () => {
      for (const path of ["/create", "/1/update"]) {
        const reply = await client.request("POST", path, { "Content-Type": FORM }, body);
        assert.equal(reply.status, 400);
        assert.match(reply.text, /The form must have the field “(title|body)” exactly once\./);
      }
      assert.deepEqual(await titles(), ["test title"]);
    });
  }

  it("answers 400 to a body of another type, and 413 to one of more than 256 KiB", async () => {
    const json = JSON.stringify({ title: "x", body: "x" });
    assert.equal((await client.request("POST", "/create", { "Content-Type": "application/json" }, json)).status, 400);
    assert.equal((await client.post("/create", { title: "x", body: "x".repeat(256 * 1024) })).status, 413);
    assert.deepEqual(await titles(), ["test title"]);
  });

  it("accepts one post per form id and user, also on two pods at once", async () => {
    const pod = await suite.startAnother();
    const { text } = await client.get("/create");
    const form_id = /name="form_id" value="([\w-]{36})"/.exec(text)?.[1] ?? "";
    const fields = { title: "new", body: "text", form_id };
    const browsers = [client, pod.client().withCookies(client.cookies), client];
    for (const reply of await Promise.all(browsers.map((browser) => browser.post("/create", fields)))) {
      assert.equal(reply.location, "/");
    }
    assert.deepEqual(await titles(), ["test title", "new"]);

    const other = suite.blog.client();
    await other.login("other", "other");
    await other.post("/create", fields);
    assert.deepEqual(await titles(), ["test title", "new", "new"]);
  });

  it("accepts the same text with another form id, another text with the same form id, and no form id", async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    for (const [body, form_id] of [
      ["text", first],
      ["text", second],
      ["another text", first],
    ] as const) {
      await client.post("/create", { title: "new", body, form_id });
    }
    for (let i = 0; i < 2; i += 1) await client.post("/create", { title: "new", body: "text" });
    assert.equal((await titles()).length, 6);
  });

  /** Sends the form of an error page as it is. */
  async function sendAgain(text: string, path = "/create") {
    const decode = (html = "") => html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const form_id = /name="form_id" value="([^"]*)"/.exec(text)?.[1];
    return client.post(path, {
      title: decode(/name="title"[^>]* value="([^"]*)"/.exec(text)?.[1]),
      body: decode(/<textarea[^>]*>\n([^]*)<\/textarea>/.exec(text)?.[1]),
      ...(form_id !== undefined && { form_id }),
    });
  }

  const fields = { title: "<My> title", body: "\nmy & text", form_id: "the-form-id" };

  function assertKept(text: string): void {
    assert.match(text, /Nothing was stored\. Your text is still here:/);
    assert.ok(text.includes('value="&lt;My&gt; title"'), text);
    assert.ok(text.includes("\n\nmy &amp; text</textarea>"), text);
  }

  for (const [table, status, end] of [
    ["post", 503, "UNLOCK TABLES"],
    ["session", 503, "UNLOCK TABLES"],
  ] as const) {
    it(`keeps the text and the form id after a ${String(status)} by a locked table ${table}, and stores it once`, async () => {
      const lock = await suite.db.transaction();
      await lock.raw("LOCK TABLES ?? WRITE", [table]);
      const [created, updated] = await Promise.all(
        ["/create", "/1/update"].map((path) => client.post(path, fields)),
      ).finally(async () => {
        await lock.raw(end);
        await lock.rollback();
      });
      for (const reply of [created, updated]) {
        assert.equal(reply?.status, status);
        assertKept(reply.text);
      }
      for (let i = 0; i < 2; i += 1) assert.equal((await sendAgain(created?.text ?? "")).location, "/");
      assert.deepEqual(await titles(), ["test title", "<My> title"]);
      assert.equal((await lastPost())?.body, "\nmy & text");
      assert.equal((await sendAgain(updated?.text ?? "", "/1/update")).location, "/");
      assert.deepEqual(await titles(), ["<My> title", "<My> title"]);
    });
  }

  it("keeps the text and the form id after a logout elsewhere, and stores it once after a login", async () => {
    await suite.db("session").delete();
    const { status, text } = await client.post("/create", fields);
    assert.equal(status, 403);
    assert.match(text, /You are logged out\. Please log in in another tab, then save again\./);
    assertKept(text);
    assert.deepEqual(await titles(), ["test title"]);
    await client.login();
    for (let i = 0; i < 2; i += 1) assert.equal((await sendAgain(text)).location, "/");
    assert.deepEqual(await titles(), ["test title", "<My> title"]);
  });
});
