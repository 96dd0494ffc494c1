import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

describe("The registration form", () => {
  const suite = useBlog();

  for (const [what, username, password, message] of [
    ["no name", "", "x", "Username is required."],
    ["a name of spaces", "  \t ", "x", "Username is required."],
    ["a name that is too long", "x".repeat(151), "x", "Username must be at most 150 characters."],
    ["a name with a NUL", "te\0st", "x", "Username must not contain invisible characters."],
    ["a name with a zero-width space", "te\u200bst", "x", "Username must not contain invisible characters."],
    ["a name written backwards", "\u202etset", "x", "Username must not contain invisible characters."],
    ["no password", "new", "", "Password is required."],
    ["a password that is too long", "new", "x".repeat(1025), "Password must be at most 1024 characters."],
    ["an existing name", "test", "x", "User test is already registered."],
    ["an existing name in upper case", "TEST", "x", "User TEST is already registered."],
    ["an existing name with an accent", "tést", "x", "User tést is already registered."],
    ["an existing name and a space", "test ", "x", "User test is already registered."],
  ] as const) {
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

  for (const [what, typed, password, stored = typed] of [
    ["the longest name", "x".repeat(150), "x"],
    ["the longest name in emoji", "🐟".repeat(75), "x"],
    ["a name with a space in it", "Jean Luc", "x"],
    ["a name in another script", "Ελένη", "x"],
    ["the longest password", "new", "x".repeat(1024)],
    ["a password of spaces", "new", "   "],
    ["a password with any characters", "new", "pä\0ss\n🐟"],
    ["a name and a space", "ada\u00a0", "x", "ada"],
    ["a name between a tab and an ideographic space", "\tada\u3000", "x", "ada"],
    ["a name with a combining accent", "ade\u0300le", "x", "ad\u00e8le"],
  ] as const) {
    it(`accepts ${what}, which can log in`, async () => {
      const { client, db } = suite;
      assert.equal((await client.post("/auth/register", { username: typed, password })).location, "/auth/login");
      const user = await db<{ username: string; password: string }>("user").first().orderBy("id", "desc");
      assert.equal(user?.username, stored);
      assert.match(user.password, /^scrypt:32768:8:1\$/);
      assert.equal((await client.login(typed, password)).location, "/");
      assert.ok((await client.get("/")).text.includes(`<span>${stored}</span>`));
    });
  }

  it("accepts one of two parallel registrations with the same name", async () => {
    const register = () => suite.client.post("/auth/register", { username: "new", password: "x" });
    const replies = await Promise.all([register(), register()]);
    assert.deepEqual(replies.map(({ location }) => location).sort(), ["/auth/login", null]);
    assert.equal((await suite.db("user").select().where("username", "new")).length, 1);
  });
});
