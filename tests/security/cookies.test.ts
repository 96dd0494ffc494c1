import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import type { Client } from "../service/client.ts";

// tests/service/auth/sessions.test.ts tests session ids at login, session copies after logout, and key rotation.
describe("A cookie", function () {
  this.timeout(60_000);
  const suite = useBlog();

  const withCookies = (cookies: Iterable<[string, string]>) => suite.blog.client().withCookies(cookies);
  /** The cookie's name with the port of the blog. */
  const named = (name: string) => suite.client.cookieName(name);
  const userOf = async (client: Client) => {
    const { status, text } = await client.get("/");
    assert.equal(status, 200);
    return /<li><span>(.*?)<\/span>/.exec(text)?.[1];
  };
  const cookie = (client: Client, name: string) => {
    const value = client.cookie(name);
    assert.ok(value, name);
    return value;
  };

  /** The text with each bit flipped in turn, if the result is valid in a cookie. */
  function* flipped(text: string): Generator<string> {
    for (let index = 0; index < text.length; index += 1) {
      for (let bit = 0; bit < 7; bit += 1) {
        const character = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
        if (/[\w!#$&'()*+./:<=>?@[\]^`{|}~%-]/.test(character)) {
          yield text.slice(0, index) + character + text.slice(index + 1);
        }
      }
    }
  }

  for (const name of ["session", "session.sig"]) {
    it(`called ${name} is worth nothing with any bit of it turned over`, async () => {
      const { client } = suite;
      await client.login();
      let count = 0;
      for (const value of flipped(cookie(client, name))) {
        assert.equal(await userOf(withCookies([...client.cookies, [named(name), value]])), undefined, value);
        count += 1;
      }
      console.log(`        ${String(count)} changed cookies`);
      assert.ok(count > 100);
      assert.equal(await userOf(client), "test");
    });
  }

  it("is worth nothing without its signature, with another's, or under another's name", async () => {
    const { client } = suite;
    await client.login();
    const other = suite.blog.client();
    await other.login("other", "other");
    const guest = suite.blog.client();
    await guest.get("/auth/login");
    const [session, signature] = [cookie(client, "session"), cookie(client, "session.sig")];
    const forgeries: [value: string, signature: string, name?: string][] = [
      [session, ""],
      [session, cookie(other, "session.sig")],
      [cookie(other, "session"), signature],
      [session, cookie(guest, "guest.sig")],
      [cookie(guest, "guest"), cookie(guest, "guest.sig")],
      [signature, session],
      [`${session}=`, signature],
      [session.toUpperCase(), signature],
      [session, signature.toUpperCase()],
      [session, signature, "Session"],
      [session, signature, "guest"],
      [JSON.stringify({ userId: 1 }), signature],
      [Buffer.from('{"userId":1}').toString("base64"), signature],
    ];
    for (const [value, sig, name = "session"] of forgeries) {
      const forger = withCookies([
        [named(name), value],
        [named(`${name}.sig`), sig],
      ]);
      assert.equal(await userOf(forger), undefined, `${name}=${value}; ${name}.sig=${sig}`);
    }
    assert.equal(await userOf(withCookies([[named("session"), session]])), undefined);
    assert.equal(await userOf(client), "test");
  });

  it("with a valid signature, but whose session is not in the database, is worth nothing", async () => {
    const { client } = suite;
    await client.login();
    const cookies = [...client.cookies];
    await suite.db("session").delete();
    assert.equal(await userOf(withCookies(cookies)), undefined);
  });

  it("planted by somebody who is logged in does not log its owner in as the victim", async () => {
    const attacker = suite.blog.client();
    await attacker.login("other", "other");
    const victim = withCookies(attacker.cookies);
    assert.equal((await victim.login()).location, "/");
    assert.equal(await userOf(victim), "test");
    assert.notEqual(cookie(victim, "session"), cookie(attacker, "session"));
    assert.equal(await userOf(attacker), undefined);
  });

  it("planted before log-in, a guest's own included, is no session afterwards", async () => {
    for (const value of ["planted", "", "a".repeat(43), "../../etc/passwd", "null", "%00"]) {
      const victim = withCookies([
        [named("session"), value],
        [named("session.sig"), value],
      ]);
      await victim.login();
      assert.notEqual(cookie(victim, "session"), value);
      assert.equal(await userOf(victim), "test");
      assert.equal(await userOf(withCookies([[named("session"), value]])), undefined);
    }
    const guest = suite.blog.client();
    await guest.get("/auth/login");
    const before = [...guest.cookies];
    await guest.login();
    assert.equal(await userOf(withCookies(before)), undefined);
    for (const [, value] of before) assert.notEqual(cookie(guest, "session"), value);
  });
});
