import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { deleteExpiredSessions, SessionStore } from "../../../service/auth/sessions.ts";
import type { Client } from "../../client.ts";
import { KEY, useBlog } from "../blog.ts";

const NEW_KEY = "the-key-that-comes-after-the-first-one";

describe("Sessions", () => {
  const suite = useBlog();

  async function rows(): Promise<{ id: string; data: object; expires: string }[]> {
    return suite.db<{ id: string; data: object; expires: string }>("session").select();
  }

  async function isLoggedIn(client: Client): Promise<boolean> {
    return (await client.get("/")).text.includes("<span>test</span>");
  }

  it("a guest gets no cookie and no row", async () => {
    const { client } = suite;
    for (const path of ["/", "/auth/login", "/create", "/1"]) await client.get(path);
    await client.login("test", "wrong");
    assert.equal(client.cookies.size, 0);
    assert.deepEqual(await rows(), []);
  });

  for (const isSecure of [false, true]) {
    it(`login sets a signed HttpOnly SameSite cookie with COOKIE_SECURE=${String(isSecure)}`, async () => {
      const client = (await suite.startAnother({ COOKIE_SECURE: isSecure })).client();
      const lines = (await client.login()).headers.getSetCookie();
      assert.deepEqual([...client.cookies.keys()].sort(), ["session", "session.sig"]);
      const secure = isSecure ? "secure; " : "";
      for (const line of lines)
        assert.match(line, new RegExp(`; path=/; expires=[^;]+; samesite=lax; ${secure}httponly$`));
    });
  }

  it("the database stores only a hash of the session id, for a week", async () => {
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

  it("each login gets a new session id, and the old one is deleted", async () => {
    const { client, blog } = suite;
    await client.login();
    const copy = blog.client().withCookies(client.cookies);
    await client.login();
    assert.equal((await rows()).length, 1);
    assert.deepEqual([await isLoggedIn(copy), await isLoggedIn(client)], [false, true]);
  });

  it("logout deletes the row and the cookies, and ends copies of the cookie", async () => {
    const { client, blog } = suite;
    await client.login();
    const copy = blog.client().withCookies(client.cookies);
    assert.equal(await isLoggedIn(copy), true);
    assert.equal((await client.logout()).location, "/");
    assert.equal(client.cookies.size, 0);
    assert.equal(await isLoggedIn(copy), false);
    assert.deepEqual(await rows(), []);
  });

  it("an expired session is a guest", async () => {
    const { client, db } = suite;
    await client.login();
    await db.raw("UPDATE session SET expires = UTC_TIMESTAMP() - INTERVAL 1 SECOND");
    assert.equal(await isLoggedIn(client), false);
  });

  it("a deleted user is logged out, and the session's row is deleted", async () => {
    const { client, db } = suite;
    await client.login();
    await db("post").delete();
    await db("user").where("id", 1).delete();
    assert.equal((await client.get("/create")).location, "/auth/login");
    assert.deepEqual(await rows(), []);
  });

  it("a session is renewed in its second half only", async () => {
    const { client, db } = suite;
    await client.login();
    assert.deepEqual((await client.get("/")).headers.getSetCookie(), []);

    const soon = Date.now() + 24 * 60 * 60 * 1000;
    await db.raw("UPDATE session SET data = JSON_SET(data, '$._expire', ?), expires = FROM_UNIXTIME(?)", [
      soon,
      Math.floor(soon / 1000),
    ]);
    assert.equal((await client.get("/")).headers.getSetCookie().length, 2);
    const [row] = await rows();
    assert.ok(Date.parse(`${row?.expires.replace(" ", "T") ?? ""}Z`) > soon + 1000);
  });

  it("renewing a session does not restore one that a parallel logout has deleted", async () => {
    const store = new SessionStore(suite.db);
    const [login, renewal, logout] = [{ ctx: {} }, { ctx: {} }, { ctx: {} }];
    await store.set("key", { userId: 1 }, 60_000, login);
    await Promise.all([store.get("key", 60_000, renewal), store.get("key", 60_000, logout)]);
    await store.destroy("key");
    await store.set("key", { userId: 1 }, 60_000, renewal);
    assert.deepEqual(await rows(), []);
  });

  it("a key rotation logs no user out, even after a browser restart, until the old key is removed", async () => {
    const { client, blog } = suite;
    await client.login();
    const old = blog.client().withCookies(client.cookies);
    const rotated = await suite.startAnother({ SESSION_KEYS: [NEW_KEY, KEY] });
    const browser = client.restart(rotated.url);
    const lines = (await browser.get("/")).headers.getSetCookie();
    assert.equal(lines.length, 2, lines.join("\n"));
    for (const line of lines) assert.match(line, /; path=\/; expires=[^;]+; samesite=lax; httponly$/);

    const restarted = browser.restart();
    assert.equal(await isLoggedIn(restarted), true);
    // The new key signs from now on, so no further cookie is set.
    assert.deepEqual((await restarted.get("/")).headers.getSetCookie(), []);
    const { url } = await suite.startAnother({ SESSION_KEYS: [NEW_KEY] });
    assert.equal(await isLoggedIn(restarted.restart(url)), true);
    assert.equal(await isLoggedIn(old.restart(url)), false);
  });

  it("two blogs on one host with different SESSION_COOKIE values do not log each other out", async () => {
    const { client } = suite;
    const { url } = await suite.startAnother({ SESSION_COOKIE: "session-5001", SESSION_KEYS: [NEW_KEY] });
    await client.login();
    const other = client.restart(url);
    await other.login();
    assert.deepEqual([...other.cookies.keys()], ["session", "session.sig", "session-5001", "session-5001.sig"]);
    const back = other.restart(suite.blog.url);
    for (const browser of [back, other]) {
      assert.equal((await browser.post("/create", { title: "x", body: "" })).location, "/");
      assert.equal(await isLoggedIn(browser), true);
    }
    await back.logout();
    assert.equal(await isLoggedIn(back.restart(url)), true);
  });

  it("the Host header changes no cookie name, and every pod accepts the session", async () => {
    const pod = await suite.startAnother();
    const client = suite.blog.client("blog.example:30423");
    await client.login();
    assert.deepEqual([...client.cookies.keys()], ["session", "session.sig"]);
    for (const host of ["blog.example", "blog.example:443", "other.example:1"]) {
      assert.equal(await isLoggedIn(pod.client(host).withCookies(client.cookies)), true, host);
    }
  });

  it("deleteExpiredSessions deletes more than one batch, and no valid session", async () => {
    const { client, db } = suite;
    await client.login();
    const valid = await rows();
    const expired = Array.from({ length: 2500 }, (_, i) => ({
      id: String(i),
      data: "{}",
      expires: db.raw("UTC_TIMESTAMP()"),
    }));
    await db.batchInsert("session", expired, 500);
    await deleteExpiredSessions(db);
    assert.deepEqual(await rows(), valid);
  });
});
