import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

describe("The form of a post", () => {
  const suite = useBlog();

  const refused: [what: string, title: string, body: string, message: string][] = [
    ["no title", "", "text", "Title is required."],
    ["a title of spaces", " \u00a0 ", "text", "Title is required."],
    ["a title that is too long", "x".repeat(256), "text", "Title must be at most 255 characters."],
    ["a body that is too long", "title", "x".repeat(16_001), "Body must be at most 16000 characters."],
  ];
  for (const path of ["/create", "/1/update"]) {
    for (const [what, title, body, message] of refused) {
      it(`at ${path} refuses ${what}, keeps the text and changes nothing`, async () => {
        const { client, db } = suite;
        await client.login();
        const before = await db("post").select();
        const reply = await client.post(path, { title, body });
        assert.equal(reply.status, 200);
        assert.ok(reply.text.includes(`role="alert">${message}</div>`), reply.text);
        assert.ok(reply.text.includes(`id="title" value="${title}"`), reply.text);
        assert.ok(reply.text.includes(`>\n${body}</textarea>`), reply.text);
        assert.deepEqual(await db("post").select(), before);
      });
    }

    for (const [what, title, body] of [
      ["the longest title", "x".repeat(255), ""],
      ["the longest body", "title", "x".repeat(16_000)],
      ["the longest body of the longest characters", "title", "🐟".repeat(8_000)],
      ["the longest body with line breaks, as a browser sends them", "title", "\r\n".repeat(16_000)],
      ["any characters", "a\0b 🐟 \u202e", "\u2028 ' \" \\ % _ ; -- \0"],
      ["a title with spaces around it", " title ", " body "],
    ] as const) {
      it(`at ${path} accepts ${what}, and stores it whole`, async () => {
        const { client, db } = suite;
        await client.login();
        assert.equal((await client.post(path, { title, body })).location, "/");
        const post = await db<{ title: string; body: string; author_id: number }>("post").first().orderBy("id", "desc");
        assert.equal(post?.title, title);
        assert.equal(post.body, body.replaceAll("\r\n", "\n"));
        assert.equal(post.author_id, 1);
      });
    }

    for (const [what, body] of [
      ["without a field", "title=x"],
      ["with a field given twice", "title=a&title=b&body=c"],
      ["with a field as a list", "title[]=a&body=c"],
      ["with a field as an object", "title[a]=b&body=c"],
      ["with fields of an object's own", "__proto__[title]=a&constructor=b&body=c"],
    ] as const) {
      it(`at ${path} answers 400 to a form ${what}, and changes nothing`, async () => {
        const { client, db } = suite;
        await client.login();
        const before = await db("post").select();
        const token = encodeURIComponent(await client.token());
        const reply = await client.request(
          "POST",
          path,
          { "Content-Type": "application/x-www-form-urlencoded" },
          `${body}&_csrf=${token}`,
        );
        assert.equal(reply.status, 400);
        assert.ok(
          reply.text.includes("The form must have the field “title” exactly once.") || reply.text.includes("“body”"),
        );
        assert.deepEqual(await db("post").select(), before);
      });
    }
  }

  const send = async (type: string, fields: string) => {
    const token = encodeURIComponent(await suite.client.token());
    return suite.client.request("POST", "/create", { "Content-Type": type }, `${fields}&_csrf=${token}`);
  };
  const FORM = "application/x-www-form-urlencoded";

  for (const [broken, stored] of [
    ["%", "%"],
    ["%zz", "%zz"],
    ["%e", "%e"],
    ["?a;b", "?a;b"],
    ["%c3%a9+é", "é é"],
    ["%EF%BF%BD", "\ufffd"],
  ] as const) {
    it(`with ${broken} in it is stored as ${stored}`, async () => {
      await suite.client.login();
      assert.equal((await send(FORM, `title=a${broken}&body=b`)).status, 302);
      assert.equal((await suite.db<{ title: string }>("post").first().orderBy("id", "desc"))?.title, `a${stored}`);
    });
  }

  for (const charset of ["utf-8", "UTF-8", '"utf-8"', "utf8"]) {
    it(`of the charset ${charset} is stored`, async () => {
      await suite.client.login();
      assert.equal((await send(`${FORM}; charset=${charset}`, "title=caf%C3%A9&body=b")).status, 302);
      assert.equal((await suite.db<{ title: string }>("post").first().orderBy("id", "desc"))?.title, "café");
    });
  }

  for (const [type, title] of [
    [FORM, "caf%E9"],
    [FORM, "a%ff"],
    [FORM, "a%ed%a0%80"],
    [FORM, "a%c3"],
    [`${FORM}; charset=iso-8859-1`, "caf%E9"],
    [`${FORM}; charset=windows-1252`, "caf"],
    [`${FORM}; charset=utf-16`, "caf"],
    [`${FORM}; charset=nonsense`, "caf"],
  ] as const) {
    it(`with the title ${title} of the type ${type} is refused with 415, and changes nothing`, async () => {
      await suite.client.login();
      const reply = await send(type, `title=${title}&body=b`);
      assert.equal(reply.status, 415);
      assert.match(reply.text, /The blog only accepts forms in UTF-8, so nothing was changed\./);
      assert.equal((await suite.db("post").select()).length, 1);
    });
  }

  it("may be sent by several tabs at once: each post is stored once", async () => {
    const { client, db } = suite;
    await client.login();
    const token = await client.token();
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => client.post("/create", { title: `post ${String(i)}`, body: "" }, { token })),
    );
    assert.equal((await db("post").select()).length, 9);
  });
});
