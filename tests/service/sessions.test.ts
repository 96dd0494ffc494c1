import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { SessionStore } from "../../service/auth/session-store.ts";
import { sweep } from "../../service/sweeper.ts";
import { KEY, serviceConfig, startBlog, useBlog } from "./blog.ts";
import type { Client, Reply } from "./client.ts";

describe("A session", () => {
  const suite = useBlog();

  async function rows(): Promise<{ id: string; data: object; expires: string }[]> {
    return suite.db<{ id: string; data: object; expires: string }>("session").select();
  }

  async function isLoggedIn(client: Client): Promise<boolean> {
    return (await client.get("/")).text.includes("<span>test</span>");
  }

  it("costs a guest neither a row nor a cookie", async () => {
    const { client } = suite;
    assert.deepEqual((await client.get("/")).headers.getSetCookie(), []);
    await client.get("/auth/login");
    await client.login("test", "wrong");
    await client.get("/create");
    assert.ok(![...client.cookies.keys()].some((name) => name.startsWith("session")));
    assert.deepEqual(await rows(), []);
  });

  it("has a cookie that scripts cannot read, that other sites' forms do not send, and that is signed", async () => {
    const { client } = suite;
    const lines = (await client.login()).headers.getSetCookie().filter((line) => line.startsWith("session"));
    assert.ok(
      lines.some((line) => line.startsWith("session=")) && lines.some((line) => line.startsWith("session.sig=")),
    );
    for (const line of lines) assert.match(line, /; path=\/; expires=[^;]+; samesite=lax; httponly$/i);
  });

  it("has a secure cookie behind https, also where TLS ends before the blog", async () => {
    const blog = await startBlog(serviceConfig(suite.database, { COOKIE_SECURE: true }));
    try {
      const client = blog.client();
      const cookies = [await client.get("/auth/login"), await client.login()].flatMap((reply) =>
        reply.headers.getSetCookie(),
      );
      assert.ok(cookies.length >= 4);
      for (const line of cookies) assert.match(line, /; secure/i);
    } finally {
      await blog.stop();
    }
  });

  it("is in the database only by its id's hash, for a week", async () => {
    const { client } = suite;
    await client.login();
    const [row, ...others] = await rows();
    assert.deepEqual(others, []);
    const cookie = client.cookies.get("session") ?? "";
    assert.equal(row?.id, createHash("sha256").update(cookie).digest("hex"));
    assert.ok(!JSON.stringify(row).includes(cookie));
    const hours = (Date.parse(`${row.expires.replace(" ", "T")}Z`) - Date.now()) / 3_600_000;
    assert.ok(Math.abs(hours - 7 * 24) < 0.1, `expires in ${String(hours)} h`);
  });

  it("gets a new id at each log-in, and the old one is worth nothing", async () => {
    const { client, blog } = suite;
    await client.login();
    const before = new Map(client.cookies);
    await client.login();
    assert.notEqual(client.cookies.get("session"), before.get("session"));
    assert.equal((await rows()).length, 1);

    const thief = blog.client();
    for (const [name, value] of before) thief.cookies.set(name, value);
    assert.equal(await isLoggedIn(thief), false);
    assert.equal(await isLoggedIn(client), true);
  });

  it("cannot be planted: an id that somebody else chose is not taken over at log-in", async () => {
    const { client, blog } = suite;
    const attacker = blog.client();
    await attacker.login("other", "other");
    await attacker.logout();
    client.cookies.set("session", attacker.cookies.get("session") ?? "planted");
    await client.login();
    assert.notEqual(client.cookies.get("session"), "planted");
    assert.equal(await isLoggedIn(client), true);
  });

  it("ends for every copy of the cookie when its owner logs out", async () => {
    const { client, blog } = suite;
    await client.login();
    const copy = blog.client();
    for (const [name, value] of client.cookies) copy.cookies.set(name, value);
    assert.equal(await isLoggedIn(copy), true);
    const reply: Reply = await client.logout();
    assert.equal(reply.location, "/");
    assert.ok(!client.cookies.has("session"));
    assert.equal(await isLoggedIn(copy), false);
    assert.deepEqual(await rows(), []);
  });

  it("ends when it expires", async () => {
    const { client, db } = suite;
    await client.login();
    await db.raw("UPDATE session SET expires = UTC_TIMESTAMP() - INTERVAL 1 SECOND");
    assert.equal(await isLoggedIn(client), false);
  });

  it("ends when its user is deleted, and its row goes", async () => {
    const { client, db } = suite;
    await client.login();
    await db("post").delete();
    await db("user").where("id", 1).delete();
    assert.equal((await client.get("/create")).location, "/auth/login");
    assert.deepEqual(await rows(), []);
  });

  it("is not accepted with a changed id or signature", async () => {
    const { client, blog } = suite;
    await client.login();
    for (const changed of ["session", "session.sig"]) {
      const forger = blog.client();
      for (const [name, value] of client.cookies) forger.cookies.set(name, value);
      const value = client.cookies.get(changed) ?? "";
      forger.cookies.set(changed, (value.startsWith("A") ? "B" : "A") + value.slice(1));
      assert.equal(await isLoggedIn(forger), false, changed);
    }
    assert.equal(await isLoggedIn(client), true);
  });

  it("is renewed in its second half, not with each request", async () => {
    const { client, db } = suite;
    await client.login();
    assert.deepEqual((await client.get("/")).headers.getSetCookie(), []);

    const soon = Date.now() + 24 * 60 * 60 * 1000;
    await db.raw("UPDATE session SET data = JSON_SET(data, '$._expire', ?), expires = FROM_UNIXTIME(?)", [
      soon,
      Math.floor(soon / 1000),
    ]);
    const cookies = (await client.get("/")).headers.getSetCookie();
    assert.ok(cookies.some((line) => line.startsWith("session=")));
    const [row] = await rows();
    assert.ok(Date.parse(`${row?.expires.replace(" ", "T") ?? ""}Z`) > soon + 1000);
  });

  it("does not come back when it is renewed while another request logs it out", async () => {
    const store = new SessionStore(suite.db);
    const [login, renewal, logout] = [{ ctx: {} }, { ctx: {} }, { ctx: {} }];
    await store.set("key", { userId: 1 }, 60_000, login);
    await Promise.all([store.get("key", 60_000, renewal), store.get("key", 60_000, logout)]);
    await store.destroy("key");
    await store.set("key", { userId: 1 }, 60_000, renewal);
    assert.deepEqual(await rows(), []);
  });

  it("survives a rotation of the keys, and ends when the old key is gone", async () => {
    const { client } = suite;
    await client.login();
    const newKey = "the-key-that-comes-after-the-first-one";
    for (const [keys, expected] of [
      [[newKey, KEY], true],
      [[newKey], true],
      [[KEY], false],
    ] as const) {
      const blog = await startBlog(serviceConfig(suite.database, { SESSION_KEYS: [...keys] }));
      try {
        const rotated = blog.client();
        for (const [name, value] of client.cookies) rotated.cookies.set(name, value);
        assert.equal(await isLoggedIn(rotated), expected, keys.join());
        for (const [name, value] of rotated.cookies) client.cookies.set(name, value);
      } finally {
        await blog.stop();
      }
    }
  });

  it("is deleted some time after it has expired, and a valid one is not", async () => {
    const { client, db } = suite;
    await client.login();
    const [valid] = await rows();
    await db.raw(
      "INSERT INTO session (id, data, expires) VALUES ('a', '{}', UTC_TIMESTAMP() - INTERVAL 1 DAY), ('b', '{}', UTC_TIMESTAMP())",
    );
    assert.equal(await sweep(db, "session"), 2);
    assert.deepEqual(
      (await rows()).map(({ id }) => id),
      [valid?.id],
    );
  });
});

// That it tells nobody which names there are is in tests/security/enumeration.test.ts.
describe("Logging in", () => {
  const suite = useBlog();

  it("replaces an outdated hash, and the password stays the same", async () => {
    const { client, db } = suite;
    await client.login();
    const user = await db<{ password: string }>("user").first("password").where("id", 1);
    assert.match(user?.password ?? "", /^scrypt:32768:8:1\$/);
    await client.logout();
    assert.equal((await client.login()).location, "/");
    assert.deepEqual(await db("user").first("password").where("id", 1), user);
  });

  it("takes a name in other letter case, as MySQL compares names", async () => {
    assert.equal((await suite.client.login("TEST")).location, "/");
  });

  it("is stopped after ten wrong passwords for a name, however it is spelt, and others are not", async () => {
    const { blog } = suite;
    const client = blog.client();
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await client.login(i % 2 ? "Other" : "öther", `wrong ${String(i)}`)).status, 200);
    }
    const reply = await client.login("other", "other");
    assert.equal(reply.status, 429);
    assert.match(reply.text, /Too many attempts\. Please try again in \d+ seconds\./);
    assert.ok(Number(reply.headers.get("retry-after")) > 290);
    assert.equal((await blog.client().login()).location, "/");
  });

  it("is stopped in every replica, and for the window of time only", async () => {
    const { blog, db, database } = suite;
    const replica = await startBlog(serviceConfig(database));
    try {
      const clients = [blog.client(), replica.client()];
      for (let i = 0; i < 10; i += 1) await clients[i % 2]?.login("other", "wrong");
      for (const client of clients) assert.equal((await client.login("other", "other")).status, 429);
      await db("attempt").update({ expires: db.raw("UTC_TIMESTAMP()") });
      assert.equal(await sweep(db, "attempt"), 1);
      assert.equal((await replica.client().login("other", "other")).location, "/");
    } finally {
      await replica.stop();
    }
  });

  it("counts attempts before they are made, so that many at once are not one", async () => {
    const { blog } = suite;
    const statuses = await Promise.all(
      Array.from({ length: 15 }, async () => (await blog.client().login("other", "wrong")).status),
    );
    assert.equal(statuses.filter((status) => status === 429).length, 5);
  });

  it("does not count attempts that fail for another reason than the password", async () => {
    const { client, db } = suite;
    await db.schema.renameTable("user", "away");
    try {
      for (let i = 0; i < 11; i += 1) assert.equal((await client.login("other", "other")).status, 503);
    } finally {
      await db.schema.renameTable("away", "user");
    }
    assert.equal((await client.login("other", "other")).location, "/");
  });

  it("leaves no name and no address in the database", async () => {
    const { client, db } = suite;
    await client.login("somebody", "wrong");
    const [row] = await db<{ id: string; count: number }>("attempt").select("id", "count");
    assert.match(row?.id ?? "", /^[0-9a-f]{64}$/);
    assert.equal(row?.count, 1);
  });

  it("is not stopped by former attempts once the password was right", async () => {
    const { blog } = suite;
    for (let round = 0; round < 2; round += 1) {
      const client = blog.client();
      for (let i = 0; i < 9; i += 1) await client.login("test", "wrong");
      assert.equal((await client.login()).location, "/");
    }
  });
});
