import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { SessionStore } from "../../../service/auth/sessions.ts";
import { hashPassword } from "../../../service/auth/werkzeugHash.ts";
import { sweep } from "../../../service/startSweeper.ts";
import { KEY, useBlog } from "../blog.ts";
import type { Client } from "../client.ts";

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
    for (const name of ["session", "session.sig"]) {
      assert.ok(lines.some((line) => line.startsWith(`${client.cookieName(name)}=`)));
    }
    for (const line of lines) assert.match(line, /; path=\/; expires=[^;]+; samesite=lax; httponly$/i);
  });

  it("has a secure cookie behind https, also where TLS ends before the blog", async () => {
    const client = (await suite.startAnother({ COOKIE_SECURE: true })).client();
    const replies = [await client.get("/auth/login"), await client.login()];
    const cookies = replies.flatMap(({ headers }) => headers.getSetCookie());
    assert.ok(cookies.length >= 4);
    for (const line of cookies) assert.match(line, /; secure/i);
  });

  it("is in the database only by its id's hash, for a week", async () => {
    const { client } = suite;
    await client.login();
    const [row, ...others] = await rows();
    assert.deepEqual(others, []);
    const cookie = client.cookie("session") ?? "";
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
    assert.notEqual(client.cookie("session"), before.get(client.cookieName("session")));
    assert.equal((await rows()).length, 1);

    assert.equal(await isLoggedIn(blog.client().withCookies(before)), false);
    assert.equal(await isLoggedIn(client), true);
  });

  it("ends for every copy of the cookie when its owner logs out", async () => {
    const { client, blog } = suite;
    await client.login();
    const copy = blog.client().withCookies(client.cookies);
    assert.equal(await isLoggedIn(copy), true);
    assert.equal((await client.logout()).location, "/");
    assert.ok(!client.cookies.has(client.cookieName("session")));
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
    assert.ok(cookies.some((line) => line.startsWith(`${client.cookieName("session")}=`)));
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
    const host = "blog.example:30423";
    const client = suite.blog.client(host);
    await client.login();
    const newKey = "the-key-that-comes-after-the-first-one";
    for (const [keys, expected] of [
      [[newKey, KEY], true],
      [[newKey], true],
      [[KEY], false],
    ] as const) {
      const blog = await suite.startAnother({ SESSION_KEYS: [...keys] });
      const rotated = blog.client(host).withCookies(client.cookies);
      assert.equal(await isLoggedIn(rotated), expected, keys.join());
      client.withCookies(rotated.cookies);
    }
  });

  it("is not ended by another stack on the same host, whose cookies the browser sends as well", async () => {
    const other = await suite.startAnother({ SESSION_KEYS: ["the-key-of-another-stack-on-this-host"] });
    const here = suite.blog.client("blog.example:30423");
    const there = other.client("blog.example:5000");
    const turns = [
      { client: here, another: there },
      { client: there, another: here },
    ];
    for (const { client, another } of turns) {
      await client.login();
      another.withCookies(client.cookies);
    }
    for (const { client, another } of [...turns, ...turns]) {
      assert.equal(await isLoggedIn(client), true);
      assert.equal((await client.post("/create", { title: "x", body: "" })).location, "/");
      await client.get("/auth/login");
      another.withCookies(client.cookies);
    }
  });

  it("is the same whether or not a proxy adds the default port to the host, and on every pod", async () => {
    const pod = await suite.startAnother();
    const client = suite.blog.client("blog.example");
    await client.login();
    const names = [...client.cookies.keys()].filter((name) => name.startsWith("session"));
    assert.deepEqual(names.sort(), ["session", "session.sig"]);
    for (const host of ["blog.example:80", "blog.example:443", "blog.example", "other.example"]) {
      assert.equal(await isLoggedIn(pod.client(host).withCookies(client.cookies)), true, host);
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

// tests/security/enumeration.test.ts tests that a login does not reveal existing names, and limits.test.ts tests the
// limits in two replicas.
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

  for (const typed of ["test ", " test", "Test ", "test\u00a0"]) {
    it(`takes ${JSON.stringify(typed)} for "test", as phone keyboards write it`, async () => {
      assert.equal((await suite.client.login(typed)).location, "/");
    });
  }

  describe("with a name of Flask's database that no form would accept today", () => {
    const stored = [" padded ", "padded", "e\u0301", "zero\u200bwidth", " ", "x".repeat(150)];

    for (const collation of ["utf8mb4_0900_ai_ci", "utf8mb4_bin", "utf8mb4_general_ci"]) {
      it(`lets its owner in, in the collation ${collation}`, async () => {
        const { db, blog } = suite;
        const modify = "ALTER TABLE user MODIFY username VARCHAR(150) CHARACTER SET utf8mb4 COLLATE ?? NOT NULL";
        await db.raw(modify, [collation]);
        try {
          const password = await hashPassword("test");
          for (const username of stored) {
            // If the collation ignores spaces, two of the names are equal.
            await db("user").insert({ username, password }).onConflict("username").ignore();
          }
          for (const { id, username } of await db<{ id: number; username: string }>("user").where("id", ">", 2)) {
            const client = blog.client();
            assert.equal((await client.login(username)).location, "/", JSON.stringify(username));
            const session = await db<{ data: { userId: number } }>("session").first("data");
            assert.equal(session?.data.userId, id, JSON.stringify(username));
            await client.logout();
          }
        } finally {
          await db("user").where("id", ">", 2).delete();
          await db.raw(modify, ["utf8mb4_0900_ai_ci"]);
        }
      });
    }
  });

  it("counts attempts for a name with and without spaces around it as one", async () => {
    const { client } = suite;
    for (let i = 0; i < 10; i += 1) await client.login(i % 2 ? "other" : " other ", "wrong");
    assert.equal((await client.login("other", "other")).status, 429);
  });

  it("is stopped for the window of time only, with a page that says how long", async () => {
    const { client, db } = suite;
    for (let i = 0; i < 10; i += 1) await client.login("other", "wrong");
    assert.match((await client.login("other", "other")).text, /Too many attempts\. Please try again in \d+ seconds\./);
    await db("attempt").update({ expires: db.raw("UTC_TIMESTAMP()") });
    assert.equal(await sweep(db, "attempt"), 1);
    assert.equal((await client.login("other", "other")).location, "/");
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
