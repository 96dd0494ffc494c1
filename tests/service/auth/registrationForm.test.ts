import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

// tests/security/limits.test.ts tests the limit of registrations.
describe("The registration form", () => {
  const suite = useBlog();

  const refused: [what: string, username: string, password: string, message: string][] = [
    ["no name", "", "x", "Username is required."],
    ["a name of spaces", "  \t ", "x", "Username is required."],
    ["a name that is too long", "x".repeat(151), "x", "Username must be at most 150 characters."],
    ["a name with a NUL", "te\0st", "x", "Username must not contain invisible characters."],
    ["a name with a zero-width space", "te\u200bst", "x", "Username must not contain invisible characters."],
    ["a name written backwards", "\u202etset", "x", "Username must not contain invisible characters."],
    ["no password", "new", "", "Password is required."],
    ["a password that is too long", "new", "x".repeat(1025), "Password must be at most 1024 characters."],
    ["a name that is taken", "test", "x", "User test is already registered."],
    ["a name that is taken, in other letter case", "TEST", "x", "User TEST is already registered."],
    ["a name that is taken, with accents", "tést", "x", "User tést is already registered."],
    ["a name that is taken, with a space after it", "test ", "x", "User test is already registered."],
  ];
  for (const [what, username, password, message] of refused) {
    it(`refuses ${what}, keeps the name and inserts nothing`, async () => {
      const { client, db } = suite;
      const reply = await client.post("/auth/register", { username, password });
      assert.equal(reply.status, 200);
      assert.ok(reply.text.includes(`role="alert">${message}</div>`), reply.text);
      assert.ok(reply.text.includes(`id="username" value="${username.trim()}"`), reply.text);
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

  for (const [typed, stored] of [
    [" ada", "ada"],
    ["ada ", "ada"],
    ["\tada\u3000", "ada"],
    ["ada\u00a0", "ada"],
    // Most keyboards write a letter and its accent as one character.
    ["ade\u0300le", "ad\u00e8le"],
  ] as const) {
    it(`takes ${JSON.stringify(typed)} for "${stored}"`, async () => {
      const { client, db } = suite;
      assert.equal((await client.post("/auth/register", { username: typed, password: "x" })).location, "/auth/login");
      assert.deepEqual(await db("user").pluck("username").where("id", ">", 2), [stored]);
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
