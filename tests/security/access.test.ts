import assert from "node:assert/strict";

import type { Client } from "../client.ts";
import { useBlog } from "../service/blog.ts";

describe("A session", () => {
  const suite = useBlog();

  const userOf = async (client: Client) => /<li><span>(.*?)<\/span>/.exec((await client.get("/")).text)?.[1];
  const userOfCookies = (session: string, signature: string) =>
    userOf(
      suite.blog.client().withCookies([
        ["session", session],
        ["session.sig", signature],
      ]),
    );
  const loggedIn = async (name: string) => {
    const client = suite.blog.client();
    await client.login(name, name);
    return { client, session: client.cookies.get("session") ?? "", signature: client.cookies.get("session.sig") ?? "" };
  };

  it("needs its own cookie and signature", async () => {
    const [one, other] = [await loggedIn("test"), await loggedIn("other")];
    assert.equal(await userOfCookies(one.session, one.signature), "test");
    const forged = Buffer.from('{"userId":1}').toString("base64");
    const changed = (text: string) => (text.startsWith("A") ? "B" : "A") + text.slice(1);
    for (const [session, signature] of [
      [one.session, ""],
      [one.session, other.signature],
      [other.session, one.signature],
      [one.session, changed(one.signature)],
      [changed(one.session), one.signature],
      [forged, one.signature],
      [one.signature, one.session],
    ] as const) {
      assert.equal(await userOfCookies(session, signature), undefined, `${session}; ${signature}`);
    }
  });

  it("ends with a logout, for copies of the cookie too", async () => {
    const { client, session, signature } = await loggedIn("test");
    await client.logout();
    assert.equal(await userOfCookies(session, signature), undefined);
    assert.deepEqual(await suite.db("session").select(), []);
  });

  it("ends at its time in the database", async () => {
    const { session, signature } = await loggedIn("test");
    await suite.db("session").update({ expires: suite.db.raw("UTC_TIMESTAMP()") });
    assert.equal(await userOfCookies(session, signature), undefined);
  });

  it("has a new id after a login, so that a planted cookie is worth nothing", async () => {
    const attacker = await loggedIn("other");
    const victim = suite.blog.client().withCookies(attacker.client.cookies);
    await victim.login();
    assert.equal(await userOf(victim), "test");
    assert.notEqual(victim.cookies.get("session"), attacker.session);
    assert.equal(await userOfCookies(attacker.session, attacker.signature), undefined);
  });

  it("is in a cookie that scripts and other sites cannot use", async () => {
    const { headers } = await suite.client.login();
    for (const cookie of headers.getSetCookie()) assert.match(cookie, /; path=\/; .*samesite=lax; httponly/i);
  });
});

describe("A user", () => {
  const suite = useBlog();
  let client: Client;

  /** Post 1 belongs to "test". */
  beforeEach(async () => {
    ({ client } = suite);
    await client.login("other", "other");
  });

  const rows = async () => [await suite.db("user").select(), await suite.db("post").select()];

  it("cannot see the form of another's post", async () => {
    const { status, text } = await client.get("/1/update");
    assert.equal(status, 403);
    assert.doesNotMatch(text, /test title|test\nbody/);
    assert.doesNotMatch((await client.get("/")).text, /\/1\/update/);
  });

  it("cannot change or delete another's post, under any spelling of its id", async () => {
    const before = await rows();
    const fields = { title: "taken", body: "taken", author_id: "2", id: "2" };
    for (const id of ["1", "01", "1.0", "1e0", "+1", "%201", "0x1", "%EF%BC%91", "1%00", "1;", "1,2"]) {
      for (const action of ["update", "delete"]) {
        const { status } = await client.post(`/${id}/${action}`, fields);
        assert.equal(status, id === "1" ? 403 : 404, id);
      }
    }
    assert.deepEqual(await rows(), before);
  });

  it("changes nothing by GET or HEAD", async () => {
    const before = await rows();
    const author = suite.blog.client();
    await author.login();
    const [users] = await rows();
    for (const path of ["/1/delete", "/1/update?title=x&body=x", "/create?title=x&body=x", "/auth/logout"]) {
      for (const method of ["GET", "HEAD"]) await author.request(method, path);
    }
    assert.deepEqual(await rows(), [users, before[1]]);
    assert.equal((await author.get("/create")).status, 200);
  });

  it("cannot choose ids, authors or times by additional fields", async () => {
    const more = {
      id: "77",
      author_id: "1",
      user_id: "1",
      userId: "1",
      created: "2000-01-01 00:00:00",
      __proto__: "x",
    };
    await client.post("/create", { title: "mine", body: "", ...more });
    const own = async () => (await suite.db("post").where("author_id", 2)) as { id: number; created: string }[];
    const [created] = await own();
    assert.ok(created && created.id !== 77 && !created.created.startsWith("2000"));
    await client.post(`/${String(created.id)}/update`, { title: "changed", body: "", ...more });
    assert.deepEqual(await own(), [{ ...created, title: "changed" }]);
    const guest = suite.blog.client();
    await guest.post("/auth/register", { ...more, username: "new", password: "new" });
    assert.deepEqual(await suite.db("user").pluck("username").whereIn("id", [1, 2]).orderBy("id"), ["test", "other"]);
    await guest.post("/auth/login", { ...more, username: "new", password: "new" });
    assert.match((await guest.get("/")).text, /<li><span>new<\/span>/);
  });
});
