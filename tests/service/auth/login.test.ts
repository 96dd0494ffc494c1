import assert from "node:assert/strict";

import { hashPassword } from "../../../service/auth/werkzeugHash.ts";
import { useBlog } from "../blog.ts";

// tests/security tests the limits in two replicas, and that a login does not reveal existing names.
describe("Login", () => {
  const suite = useBlog();

  it("replaces an outdated password hash, and succeeds with a warning if that fails", async () => {
    const lines: string[] = [];
    const blog = await suite.startAnother({ LOG_LEVEL: "warn" }, { write: (line) => void lines.push(line) });
    const isReplaced = async () => {
      const [hash] = await suite.db("user").pluck<string[]>("password").orderBy("id");
      return hash?.startsWith("scrypt:32768:8:1$");
    };
    const lock = await suite.db.transaction();
    await lock.raw("SELECT * FROM user WHERE id = 1 FOR UPDATE");
    try {
      assert.equal((await blog.client().login()).location, "/");
    } finally {
      await lock.rollback();
    }
    assert.match(lines.join(""), /"log.level":"warn".*"code":"REHASH"/);
    assert.equal(await isReplaced(), false);
    for (let i = 0; i < 2; i += 1) assert.equal((await blog.client().login()).location, "/");
    assert.equal(await isReplaced(), true);
    assert.equal(lines.length, 1);
  });

  it("ignores case and spaces, and accepts names of Flask's database that no form accepts today", async () => {
    const { db, blog, client } = suite;
    for (const typed of ["TEST", " test\u00a0"]) assert.equal((await client.login(typed)).location, "/", typed);
    const password = await hashPassword("test");
    const names = [" padded ", "padded", "e\u0301", "zero\u200bwidth", " "];
    await db("user").insert(names.map((username, index) => ({ id: index + 10, username, password })));
    for (const [index, username] of names.entries()) {
      await db("session").delete();
      assert.equal((await blog.client().login(username)).location, "/", JSON.stringify(username));
      const [data] = await db("session").pluck<{ userId: number }[]>("data");
      assert.equal(data?.userId, index + 10, JSON.stringify(username));
    }
  });

  it("is refused for five minutes after 10 wrong passwords, unless a login succeeds in between", async () => {
    const { client, db } = suite;
    for (let i = 0; i < 9; i += 1) await client.login("other", "wrong");
    assert.equal((await client.login("other", "other")).location, "/");
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await client.login(i % 2 ? "Other" : " other ", "wrong")).status, 200);
    }
    const { status, headers, text } = await client.login("other", "other");
    assert.equal(status, 429);
    const wait = Number(headers.get("retry-after"));
    assert.ok(wait > 200 && wait <= 300, String(wait));
    assert.ok(text.includes(`Too many attempts. Please try again in ${String(wait)} seconds.`), text);
    assert.equal((await client.login()).location, "/", "another name is not limited");
    // The table has neither names nor addresses.
    for (const key of await db("rate_limit").pluck<string[]>("key")) assert.match(key, /^[a-z-]+:[0-9a-f]{64}$/);
    await db("rate_limit").update("expire", Date.now());
    assert.equal((await client.login("other", "other")).location, "/");
  });
});

describe("Registration", () => {
  const suite = useBlog();

  it("refuses names and passwords that are too long, look like others, or exist, and keeps the name", async () => {
    const { client, db } = suite;
    const invisible = "Username must not contain invisible characters.";
    for (const [username, password, message] of [
      ["  \t ", "x", "Username is required."],
      ["x".repeat(151), "x", "Username must be at most 150 characters."],
      ["te\0st", "x", invisible],
      ["te\u200bst", "x", invisible],
      ["\u202etset", "x", invisible],
      ["new", "x".repeat(1025), "Password must be at most 1024 characters."],
      ["TEST", "x", "User TEST is already registered."],
      ["tést", "x", "User tést is already registered."],
      ["test ", "x", "User test is already registered."],
    ] as const) {
      const { text } = await client.post("/auth/register", { username, password });
      assert.ok(text.includes(`role="alert">${message}</div>`), text);
      assert.ok(text.includes(`id="username" value="${username.trim()}"`), text);
    }
    assert.deepEqual(await db("user").pluck("username").orderBy("id"), ["test", "other"]);
  });

  it("accepts the longest names and passwords, any script, and names that need a normal form, once each", async () => {
    const { client, db } = suite;
    for (const [typed, password, stored] of [
      ["🐟".repeat(75), "x".repeat(1024), "🐟".repeat(75)],
      ["Ελένη Luc", "   ", "Ελένη Luc"],
      ["\tada\u3000", "pä\0ss\n🐟", "ada"],
      ["ade\u0300le", "x", "ad\u00e8le"],
    ] as const) {
      const register = () => client.post("/auth/register", { username: typed, password });
      const replies = await Promise.all([register(), register()]);
      assert.deepEqual(replies.map(({ location }) => location).sort(), ["/auth/login", null]);
      assert.deepEqual(await db("user").pluck("username").orderBy("id", "desc").limit(1), [stored]);
      assert.equal((await client.login(typed, password)).location, "/");
    }
  });

  it("counts an IPv6 /64 network as one address, and allows REGISTRATIONS_PER_HOUR of it", async () => {
    const client = (await suite.startAnother({ REGISTRATIONS_PER_HOUR: 1, TRUSTED_PROXIES: 1 })).client();
    for (const [username, address, status] of [
      ["one", "2001:db8::1", 302],
      ["two", "2001:DB8:0:0:ffff:1:2:3", 429],
      ["three", "2001:db8:0:1::1", 302],
    ] as const) {
      const headers = { "X-Forwarded-For": address };
      const reply = await client.post("/auth/register", { username, password: "x" }, { headers });
      assert.equal(reply.status, status, address);
    }
  });
});
