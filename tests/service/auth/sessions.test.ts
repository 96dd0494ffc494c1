import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { SessionStore } from "../../../service/auth/sessions.ts";
import type { Client, Reply } from "../../client.ts";
import { KEY, useBlog } from "../blog.ts";

const NEW_KEY = "the-key-that-comes-after-the-first-one";
const DAY_MS = 24 * 60 * 60 * 1000;

describe("Sessions", () => {
  const suite = useBlog();

  const sessions = () => suite.db("session").pluck<string[]>("id");
  const isLoggedIn = async (client: Client) => (await client.get("/")).text.includes("<span>test</span>");
  /** The lifetimes of the cookies in days. */
  const lifetimes = ({ headers }: Reply) =>
    headers.getSetCookie().map((line) => {
      const expires = /; path=\/; expires=([^;]+); samesite=lax; httponly$/.exec(line)?.[1] ?? "";
      return Math.round((Date.parse(expires) - Date.now()) / DAY_MS);
    });

  it("a guest gets no cookie and no row", async () => {
    const { client } = suite;
    for (const path of ["/", "/auth/login", "/create", "/1"]) await client.get(path);
    await client.login("test", "wrong");
    assert.equal(client.cookies.size, 0);
    assert.deepEqual(await sessions(), []);
  });

  it("a session lasts a week in signed HttpOnly SameSite cookies, and MySQL stores only a hash of its id", async () => {
    const { client, db } = suite;
    assert.deepEqual(lifetimes(await client.login()), [7, 7]);
    const [id = "", ...signature] = client.cookies.values();
    assert.deepEqual([...client.cookies.keys()], ["session", "session.sig"]);
    assert.deepEqual(await sessions(), [createHash("sha256").update(id).digest("hex")]);
    assert.equal(await isLoggedIn(client.restart()), true);

    for (const [changed, signatures] of [
      [id, []],
      [Buffer.from('{"userId":1}').toString("base64"), signature],
    ] as const) {
      const cookie = [`session=${changed}`, ...signatures.map((text) => `session.sig=${text}`)].join("; ");
      assert.doesNotMatch((await client.get("/", { headers: { cookie } })).text, /<span>/);
    }
    await db("session").update("expires", db.raw("UTC_TIMESTAMP()"));
    assert.equal(await isLoggedIn(client), false);
  });

  it("with COOKIE_SECURE=true, browsers send the cookies over https only", async () => {
    const reply = await (await suite.startAnother({ COOKIE_SECURE: true })).client().login();
    const lines = reply.headers.getSetCookie();
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /; samesite=lax; secure; httponly$/);
  });

  it("in its second half, a visit renews a session for a week", async () => {
    const { client, db } = suite;
    await client.login();
    assert.deepEqual(lifetimes(await client.get("/")), []);
    const data = db.raw("JSON_SET(data, '$._expire', ?)", [Date.now() + DAY_MS]);
    await db("session").update({ data, expires: db.raw("UTC_TIMESTAMP() + INTERVAL 1 DAY") });
    assert.deepEqual(lifetimes(await client.get("/")), [7, 7]);
    const inSixDays = db("session").where("expires", ">", db.raw("UTC_TIMESTAMP() + INTERVAL 6 DAY"));
    assert.equal((await inSixDays).length, 1);
  });

  it("the next login and a logout end copies of the cookie", async () => {
    const { client, blog } = suite;
    for (const end of [() => client.login(), () => client.logout()]) {
      await client.login();
      const copy = blog.client().withCookies(client.cookies);
      assert.equal(await isLoggedIn(copy), true);
      await end();
      assert.equal(await isLoggedIn(copy), false);
    }
    assert.equal(client.cookies.size, 0);
    assert.deepEqual(await sessions(), []);
  });

  it("a deleted user is logged out, and the session's row is deleted", async () => {
    const { client, db } = suite;
    await client.login("other", "other");
    await db("user").where("id", 2).delete();
    assert.equal((await client.get("/create")).location, "/auth/login");
    assert.deepEqual(await sessions(), []);
  });

  it("renewing a session does not restore one that a parallel logout has deleted", async () => {
    const store = new SessionStore(suite.db);
    const [login, renewal] = [{ ctx: {} }, { ctx: {} }];
    await store.set("key", { userId: 1 }, 60_000, login);
    await store.get("key", 60_000, renewal);
    await store.destroy("key");
    await store.set("key", { userId: 1 }, 60_000, renewal);
    assert.deepEqual(await sessions(), []);
  });

  it("a key rotation logs no user out, even after a browser restart, until the old key is removed", async () => {
    const { client, blog } = suite;
    await client.login();
    const old = blog.client().withCookies(client.cookies);
    const rotated = await suite.startAnother({ SESSION_KEYS: [NEW_KEY, KEY] });
    const browser = client.restart(rotated.url);
    assert.deepEqual(lifetimes(await browser.get("/")), [7, 7]);
    const { url } = await suite.startAnother({ SESSION_KEYS: [NEW_KEY] });
    assert.equal(await isLoggedIn(browser.restart(url)), true);
    assert.equal(await isLoggedIn(old.restart(url)), false);
  });

  it("two blogs on one host with different SESSION_COOKIE values do not log each other out", async () => {
    const { client } = suite;
    const { url } = await suite.startAnother({ SESSION_COOKIE: "session-5001", SESSION_KEYS: [NEW_KEY] });
    await client.login();
    const other = client.restart(url);
    await other.login();
    const back = other.restart(suite.blog.url);
    assert.deepEqual([await isLoggedIn(back), await isLoggedIn(other)], [true, true]);
    await back.logout();
    assert.equal(await isLoggedIn(back.restart(url)), true);
  });
});
