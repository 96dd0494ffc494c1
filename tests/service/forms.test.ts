import assert from "node:assert/strict";
import { useBlog } from "./blog.ts";
import type { Client } from "./client.ts";

describe("The registration form", () => {
  const suite = useBlog();

  const refused: [what: string, username: string, password: string, message: string][] = [
    ["no name", "", "x", "Username is required."],
    ["a name of spaces", "  \t ", "x", "Username is required."],
    ["a name that is too long", "x".repeat(151), "x", "Username must be at most 150 characters."],
    ["a name with a space before it", " new", "x", "Username must not begin or end with a space."],
    ["a name with a space after it", "new ", "x", "Username must not begin or end with a space."],
    ["a name with a NUL", "te\0st", "x", "Username must not contain invisible characters."],
    ["a name with a zero-width space", "te\u200bst", "x", "Username must not contain invisible characters."],
    ["a name written backwards", "\u202etset", "x", "Username must not contain invisible characters."],
    ["no password", "new", "", "Password is required."],
    ["a password that is too long", "new", "x".repeat(1025), "Password must be at most 1024 characters."],
    ["a name that is taken", "test", "x", "User test is already registered."],
    ["a name that is taken, in other letter case", "TEST", "x", "User TEST is already registered."],
    ["a name that is taken, with accents", "tést", "x", "User tést is already registered."],
  ];
  for (const [what, username, password, message] of refused) {
    it(`refuses ${what}, keeps the name and inserts nothing`, async () => {
      const { client, db } = suite;
      const reply = await client.post("/auth/register", { username, password });
      assert.equal(reply.status, 200);
      assert.ok(reply.text.includes(`role="alert">${message}</div>`), reply.text);
      assert.ok(reply.text.includes(`id="username" value="${username}"`), reply.text);
      if (password.length > 1) assert.ok(!reply.text.includes(password));
      assert.deepEqual(await db("user").pluck("username").orderBy("id"), ["test", "other"]);
    });
  }

  for (const [what, username, password] of [
    ["the longest name", "x".repeat(150), "x"],
    ["the longest name in emoji", "🐟".repeat(75), "x"],
    ["a name with a space in it", "Jean Luc", "x"],
    ["a name in another script", "Ελένη", "x"],
    ["the longest password", "new", "x".repeat(1024)],
    ["a password of spaces", "new", "   "],
    ["a password with any characters", "new", "pä\0ss\n🐟"],
  ] as const) {
    it(`accepts ${what}, and one can log in with it`, async () => {
      const { client, db } = suite;
      assert.equal((await client.post("/auth/register", { username, password })).location, "/auth/login");
      const user = await db<{ username: string; password: string }>("user").first().orderBy("id", "desc");
      assert.equal(user?.username, username);
      assert.match(user.password, /^scrypt:32768:8:1\$/);
      assert.equal((await client.login(username, password)).location, "/");
      assert.ok((await client.get("/")).text.includes(`<span>${username}</span>`));
    });
  }

  it("accepts a name once when it is sent twice at the same time", async () => {
    const { blog, db } = suite;
    const replies = await Promise.all(
      [blog.client(), blog.client()].map((client) => client.post("/auth/register", { username: "new", password: "x" })),
    );
    assert.deepEqual(replies.map(({ location }) => location).sort(), ["/auth/login", null].sort());
    assert.equal((await db("user").select().where("username", "new")).length, 1);
  });
});

describe("Registration", () => {
  const suite = useBlog({ REGISTRATIONS_PER_HOUR: 3 });

  it("is limited for each address, names that are taken included, but not what the form refuses", async () => {
    const { client, db } = suite;
    await client.post("/auth/register", { username: "", password: "x" });
    for (const username of ["one", "two", "two"]) await client.post("/auth/register", { username, password: "x" });
    const reply = await client.post("/auth/register", { username: "three", password: "x" });
    assert.equal(reply.status, 429);
    const seconds = Number(reply.headers.get("retry-after"));
    assert.ok(seconds > 3590 && seconds <= 3600, String(seconds));
    assert.deepEqual(await db("user").pluck("username").orderBy("id"), ["test", "other", "one", "two"]);
    await db("attempt").update({ expires: db.raw("UTC_TIMESTAMP()") });
    assert.equal((await client.post("/auth/register", { username: "three", password: "x" })).location, "/auth/login");
  });
});

describe("The reader's address", () => {
  const registrations = { REGISTRATIONS_PER_HOUR: 1 };
  /** Whether each of two users may register who say that they come from these addresses. */
  const registered = async (client: Client, addresses: string[]): Promise<boolean[]> => {
    const statuses: number[] = [];
    for (const [index, address] of addresses.entries()) {
      const user = { username: `user ${String(index)}`, password: "x" };
      const { status } = await client.post("/auth/register", user, { headers: { "x-forwarded-for": address } });
      statuses.push(status);
    }
    return statuses.map((status) => status === 302);
  };

  describe("without a proxy", () => {
    const suite = useBlog(registrations);

    it("is the connection's own, whatever they write", async () => {
      assert.deepEqual(await registered(suite.client, ["192.0.2.1", "192.0.2.2"]), [true, false]);
    });
  });

  describe("behind a proxy", () => {
    const suite = useBlog({ ...registrations, TRUSTED_PROXIES: 1 });

    it("is what the proxy adds, whatever they write", async () => {
      assert.deepEqual(await registered(suite.client, ["192.0.2.1", "192.0.2.2"]), [true, true]);
    });

    it("is not what they write before the proxy adds it", async () => {
      const addresses = ["198.51.100.1, 192.0.2.3", "198.51.100.2,192.0.2.3"];
      assert.deepEqual(await registered(suite.client, addresses), [true, false]);
    });

    it("is the connection's own, if the proxy adds none", async () => {
      assert.deepEqual(await registered(suite.client, ["", ""]), [true, false]);
    });
  });
});

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

  it("with broken encoding is stored as it can be read, without an error", async () => {
    const { client } = suite;
    await client.login();
    const token = encodeURIComponent(await client.token());
    const type = { "Content-Type": "application/x-www-form-urlencoded" };
    for (const broken of ["%ff", "%ed%a0%80", "%", "%zz"]) {
      const reply = await client.request("POST", "/create", type, `title=a${broken}&body=b&_csrf=${token}`);
      assert.equal(reply.status, 302, broken);
    }
    assert.equal((await client.get("/")).status, 200);
  });

  it("may be sent by several tabs at once: each post is stored once", async () => {
    const { client, db } = suite;
    await client.login();
    const token = await client.token();
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => client.post("/create", { title: `post ${String(i)}`, body: "" }, { token })),
    );
    assert.equal((await db("post").select()).length, 9);
  });

  it("cannot name another author", async () => {
    const { client, db } = suite;
    await client.login();
    await client.post("/create", { title: "mine", body: "", author_id: "2", id: "77", created: "2000-01-01" });
    const [post] = await db<{ id: number; author_id: number; created: string }>("post").where("title", "mine");
    assert.equal(post?.author_id, 1);
    assert.notEqual(post.id, 77);
    assert.ok(!post.created.startsWith("2000"));
  });
});

describe("A body", () => {
  const suite = useBlog();
  const form = { "Content-Type": "application/x-www-form-urlencoded" };

  it("of more than 256 KiB is refused with 413, whether its length is announced or not", async () => {
    const { client, blog } = suite;
    const large = "x=" + "y".repeat(256 * 1024);
    assert.equal((await client.request("POST", "/auth/login", form, large)).status, 413);
    const stream = new Blob([large]).stream();
    const response = await fetch(`${blog.url}/auth/login`, {
      method: "POST",
      headers: form,
      body: stream,
      duplex: "half",
    });
    assert.equal(response.status, 413);
  });

  for (const type of ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/xml"]) {
    it(`of the type ${type} is refused with 415`, async () => {
      const reply = await suite.client.request("POST", "/auth/login", { "Content-Type": type }, '{"username":"test"}');
      assert.equal(reply.status, 415);
    });
  }
});
