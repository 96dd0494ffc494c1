import assert from "node:assert/strict";

import type { Client } from "../../client.ts";
import { useBlog } from "../blog.ts";

describe("The form of a post", () => {
  const suite = useBlog();
  let client: Client;

  beforeEach(async () => {
    client = suite.client;
    await client.login();
  });

  const titles = () => suite.db("post").pluck<string[]>("title").orderBy("id");

  it("refuses a title that shows nothing, and too much text, keeps both and stores nothing", async () => {
    for (const [title, body, message] of [
      [" \u00a0 ", "text", "Title is required."],
      // Zero-width spaces, Hangul fillers, empty Braille patterns.
      ["\u200b\u3164\u2800", "text", "Title is required."],
      ["x".repeat(256), "text", "Title must be at most 255 characters."],
      ["title", "x".repeat(16_001), "Body must be at most 16000 characters."],
    ] as const) {
      for (const path of ["/create", "/1/update"]) {
        const { status, text } = await client.post(path, { title, body });
        assert.equal(status, 200);
        assert.ok(text.includes(`role="alert">${message}</div>`), text);
        assert.ok(text.includes(`id="title" value="${title}"`), text);
        assert.ok(text.includes(`>\n${body}</textarea>`), text);
      }
    }
    assert.deepEqual(await titles(), ["test title"]);
  });

  it("stores and shows the longest texts and any characters unchanged, with the line breaks of a browser", async () => {
    const { db } = suite;
    for (const [title, body] of [
      ["x".repeat(255), "🐟".repeat(8_000)],
      ["line breaks", "\r\n".repeat(16_000)],
      [" a\0b 🐟 \u202e %zz ?a;b ", "\n\u2028  %  _ ; -- \0 \n"],
    ] as const) {
      for (const path of ["/create", "/1/update"]) {
        assert.equal((await client.post(path, { title, body })).location, "/");
        const stored = body.replaceAll("\r\n", "\n");
        const [id] = await db("post").pluck<number[]>("id").where({ title, body: stored });
        assert.ok(id, `${path}: ${title}`);
        assert.ok((await client.get(`/${String(id)}/update`)).text.includes(`>\n${stored}</textarea>`));
        await db("post").where("id", ">", 1).delete();
      }
    }
  });

  it("creates one post for a double click on Save, also on two pods at once", async () => {
    const { text } = await client.get("/create");
    const form_id = /name="form_id" value="([\w-]{36})"/.exec(text)?.[1] ?? "";
    const pod = (await suite.startAnother()).client().withCookies(client.cookies);
    const save = (browser: Client, fields: object) => browser.post("/create", { title: "new", body: "", ...fields });
    for (const reply of await Promise.all([client, pod, client].map((browser) => save(browser, { form_id })))) {
      assert.equal(reply.location, "/");
    }
    assert.deepEqual(await titles(), ["test title", "new"]);

    const other = suite.blog.client();
    await other.login("other", "other");
    await save(other, { form_id });
    await save(client, { form_id: "another form" });
    await save(client, { form_id, body: "another text" });
    for (let i = 0; i < 2; i += 1) await save(client, {});
    assert.equal((await titles()).length, 7);
  });

  const fields = { title: "<My> title", body: "\nmy & text", form_id: "the-form-id" };

  /** Sends the form of an error page as a browser does, twice. */
  async function sendAgain(path: string, text: string): Promise<void> {
    assert.match(text, /Nothing was stored\. Your text is still here:/);
    const decode = (html = "") => html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const kept = {
      title: decode(/name="title"[^>]* value="([^"]*)"/.exec(text)?.[1]),
      body: decode(/<textarea[^>]*>\n([^]*)<\/textarea>/.exec(text)?.[1]),
      form_id: /name="form_id" value="([^"]*)"/.exec(text)?.[1] ?? "",
    };
    assert.deepEqual(kept, fields);
    for (let i = 0; i < 2; i += 1) assert.equal((await client.post(path, kept)).location, "/");
  }

  for (const table of ["post", "session"]) {
    it(`keeps the text after a 503 by the locked table ${table}, and stores it once when sent again`, async () => {
      const lock = await suite.db.transaction();
      await lock.raw("LOCK TABLES ?? WRITE", [table]);
      const paths = ["/create", "/1/update"];
      const replies = await Promise.all(paths.map((path) => client.post(path, fields))).finally(async () => {
        await lock.raw("UNLOCK TABLES");
        await lock.rollback();
      });
      assert.deepEqual(
        replies.map(({ status }) => status),
        [503, 503],
      );
      assert.deepEqual(await titles(), ["test title"]);
      for (const [i, path] of paths.entries()) await sendAgain(path, replies[i]?.text ?? "");
      assert.deepEqual(await titles(), ["<My> title", "<My> title"]);
    });
  }

  it("keeps the text after a logout elsewhere, and stores it once after a login", async () => {
    await suite.db("session").delete();
    const { status, text } = await client.post("/create", fields);
    assert.equal(status, 403);
    assert.match(text, /You are logged out\. Please log in in another tab, then save again\./);
    assert.deepEqual(await titles(), ["test title"]);
    await client.login();
    await sendAgain("/create", text);
    assert.deepEqual(await titles(), ["test title", "<My> title"]);
  });
});
