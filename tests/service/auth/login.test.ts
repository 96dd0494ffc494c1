import assert from "node:assert/strict";

import { hashPassword } from "../../../service/auth/werkzeugHash.ts";
import { useBlog } from "../blog.ts";

// tests/security tests the limits in two replicas, and that a login does not reveal existing names.
describe("Login", () => {
  const suite = useBlog();

  const passwordOf = async (id: number) =>
    (await suite.db<{ id: number; password: string }>("user").first("password").where("id", id))?.password ?? "";

  it("replaces an outdated password hash once", async () => {
    const { client } = suite;
    await client.login();
    const replaced = await passwordOf(1);
    assert.match(replaced, /^scrypt:32768:8:1\$/);
    assert.equal((await client.login()).location, "/");
    assert.equal(await passwordOf(1), replaced);
  });

  it("succeeds when the outdated hash cannot be replaced, and logs a warning", async () => {
    const lines: string[] = [];
    const blog = await suite.startAnother({ LOG_LEVEL: "warn" }, { write: (line) => void lines.push(line) });
    const outdated = await passwordOf(1);
    const lock = await suite.db.transaction();
    await lock.raw("SELECT * FROM user WHERE id = 1 FOR UPDATE");
    try {
      assert.equal((await blog.client().login()).location, "/");
    } finally {
      await lock.rollback();
    }
    assert.equal(await passwordOf(1), outdated);
    assert.match(lines.join(""), /"log.level":"warn".*"code":"REHASH"/);
  });

  it("with the session of a deleted user works, and answers a wrong password as usual", async () => {
    const { client, blog, db } = suite;
    await client.login("other", "other");
    const copy = blog.client().withCookies(client.cookies);
    await db("user").where("id", 2).delete();
    assert.match((await copy.login("test", "wrong")).text, /Incorrect username or password\./);
    assert.equal((await client.login()).location, "/");
    assert.match((await client.get("/")).text, /<span>test<\/span>/);
  });

  for (const typed of ["TEST", "test ", " test", "Test ", "test\u00a0"]) {
    it(`accepts ${JSON.stringify(typed)} for "test"`, async () => {
      assert.equal((await suite.client.login(typed)).location, "/");
    });
  }

  for (const collation of ["utf8mb4_0900_ai_ci", "utf8mb4_bin", "utf8mb4_general_ci"]) {
    it(`accepts names of Flask's database that no form accepts today, in the collation ${collation}`, async () => {
      const { db, blog } = suite;
      const modify = "ALTER TABLE user MODIFY username VARCHAR(150) CHARACTER SET utf8mb4 COLLATE ?? NOT NULL";
      await db.raw(modify, [collation]);
      try {
        const password = await hashPassword("test");
        for (const username of [" padded ", "padded", "e\u0301", "zero\u200bwidth", " ", "x".repeat(150)]) {
          // If the collation ignores spaces, two of the names are equal.
          await db("user").insert({ username, password }).onConflict("username").ignore();
        }
        for (const { id, username } of await db<{ id: number; username: string }>("user").where("id", ">", 2)) {
          await db("session").delete();
          assert.equal((await blog.client().login(username)).location, "/", JSON.stringify(username));
          const session = await db<{ data: { userId: number } }>("session").first("data");
          assert.equal(session?.data.userId, id, JSON.stringify(username));
        }
      } finally {
        await db("user").where("id", ">", 2).delete();
        await db.raw(modify, ["utf8mb4_0900_ai_ci"]);
      }
    });
  }
});

describe("Limits of login and registration", () => {
  const suite = useBlog({ REGISTRATIONS_PER_HOUR: 2 });
  const tooMany = /Too many attempts\. Please try again in (\d+) seconds\./;

  it("allow 10 logins per name and address in 5 minutes, and show how long to wait", async () => {
    const { client, blog } = suite;
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await client.login(i % 2 ? "Other" : " other ", "wrong")).status, 200);
    }
    const reply = await client.login("other", "other");
    assert.equal(reply.status, 429);
    const wait = tooMany.exec(reply.text)?.[1] ?? "";
    assert.equal(reply.headers.get("retry-after"), wait);
    assert.ok(Number(wait) > 200 && Number(wait) <= 300, wait);
    assert.equal((await client.login()).location, "/", "another name is not limited");
    const elsewhere = blog.client();
    elsewhere.localAddress = "127.0.0.2";
    assert.equal((await elsewhere.login("other", "other")).location, "/", "another address is not limited");
  });

  it("allow 100 logins per address in 5 minutes", async () => {
    const { client, db } = suite;
    await client.login("nobody", "x");
    await db("rate_limit").where("key", "like", "login-address:%").update("points", 99);
    assert.equal((await client.login("someone", "x")).status, 200);
    const reply = await client.login();
    assert.equal(reply.status, 429);
    const wait = Number(tooMany.exec(reply.text)?.[1]);
    assert.ok(wait > 200 && wait <= 300, String(wait));
  });

  it("restart when the counter has expired, or when the password was right", async () => {
    const { client, db } = suite;
    for (let i = 0; i < 11; i += 1) await client.login("other", "wrong");
    await db("rate_limit").update("expire", Date.now());
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < 9; i += 1) await client.login("other", "wrong");
      assert.equal((await client.login("other", "other")).location, "/");
    }
  });

  it("allow REGISTRATIONS_PER_HOUR per address, also with existing names", async () => {
    const { client } = suite;
    const register = (username: string) => client.post("/auth/register", { username, password: "x" });
    assert.equal((await register("test")).status, 200);
    assert.equal((await register("new")).location, "/auth/login");
    const reply = await register("newer");
    assert.equal(reply.status, 429);
    assert.ok(Number(tooMany.exec(reply.text)?.[1]) > 3000);
    assert.deepEqual(await suite.db("user").pluck("username").orderBy("id"), ["test", "other", "new"]);
  });

  it("allow no registration with REGISTRATIONS_PER_HOUR=0", async () => {
    const { db } = suite;
    const client = (await suite.startAnother({ REGISTRATIONS_PER_HOUR: 0 })).client();
    assert.equal((await client.post("/auth/register", { username: "new", password: "x" })).status, 429);
    assert.equal((await db("user").select()).length, 2);
  });

  it("store no names and no addresses", async () => {
    const { client, db } = suite;
    await client.login("somebody", "wrong");
    await client.post("/auth/register", { username: "somebody", password: "x" });
    const keys = await db("rate_limit").pluck<string[]>("key");
    const names = keys.map((key) => /^([a-z-]+):[0-9a-f]{64}$/.exec(key)?.[1]);
    assert.deepEqual(names.sort(), ["login", "login-address", "registration"]);
  });
});
