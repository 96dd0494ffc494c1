import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text as textOf } from "node:stream/consumers";

import type { Client, Reply } from "../client.ts";
import { useBlog } from "../service/blog.ts";

/** All characters with a meaning in SQL, HTML, URLs and templates. */
const PAYLOAD =
  `\\' OR "1"='1' -- x; </title></textarea>--><img src=x onerror=alert(1)>&lt;b&gt;` +
  "{{7*7}}{% raw %}`${7*7}<!-- ?:a %00";
const ESCAPED = PAYLOAD.replaceAll("&", "&amp;")
  .replaceAll("<", "&lt;")
  .replaceAll(">", "&gt;")
  .replaceAll('"', "&quot;")
  .replaceAll("'", "&#39;")
  .replaceAll("\\", "&#92;");
const HARMLESS = "harmless";
const encoded = encodeURIComponent;
const form = { "Content-Type": "application/x-www-form-urlencoded" };

describe("The blog", () => {
  const suite = useBlog();
  let author: Client;
  let guest: Client;

  beforeEach(async () => {
    author = suite.blog.client();
    assert.equal((await author.login()).location, "/");
    guest = suite.blog.client();
  });

  const register = (username: string, password: string) => guest.post("/auth/register", { username, password });

  type Place = [where: string, send: (text: string) => Promise<Reply>];

  async function readPost(reader: Client, path: string, text: string): Promise<Reply> {
    const post = { title: text, body: text };
    assert.equal((await author.post("/1/update", post)).location, "/");
    assert.deepEqual(await suite.db("post").first("title", "body").where("id", 1), post);
    return reader.get(path);
  }

  async function withName(username: string, send: () => Promise<Reply>): Promise<Reply> {
    await suite.db("user").where("id", 1).update({ username });
    const reply = await send();
    await suite.db("user").where("id", 1).update({ username: "test" });
    return reply;
  }

  /** Sends the payload to each place. The pages must differ from those of a harmless word in that word only. */
  async function attack(places: Place[], isShown: boolean): Promise<void> {
    const rows = async () => [await suite.db("user").select(), await suite.db("post").select("id", "author_id")];
    const before = await rows();
    for (const [where, send] of places) {
      const expected = await send(HARMLESS);
      assert.equal(expected.text.includes(HARMLESS), isShown, where);
      const { status, headers, text } = await send(PAYLOAD);
      assert.deepEqual([status, headers.get("content-type")], [expected.status, "text/html; charset=utf-8"], where);
      const page = (html: string) => html.replace(/name="form_id" value="[\w-]+"/, "");
      assert.equal(page(text).replaceAll(ESCAPED, HARMLESS), page(expected.text), where);
      assert.deepEqual(await rows(), before, where);
    }
  }

  it("shows special characters of SQL, HTML and templates as text, wherever a page has them", async () => {
    const foreign = { headers: { Origin: "http://evil.example" } };
    const places: Place[] = [
      ["name of the author and in the navigation", (text) => withName(text, () => author.get("/"))],
      ["index for a guest", (text) => readPost(guest, "/", text)],
      ["index for the author", (text) => readPost(author, "/", text)],
      ["page of a post", (text) => readPost(guest, "/1", text)],
      ["form of a post", (text) => readPost(author, "/1/update", text)],
      ["form that is refused", (text) => author.post("/create", { title: text + "x".repeat(255), body: text })],
      ["form after a logout", (text) => guest.post("/create", { title: text, body: text })],
      ["form of another site", (text) => author.post("/create", { title: text, body: text }, foreign)],
      ["origin of a form", (text) => guest.post("/auth/logout", {}, { headers: { Origin: text } })],
      ["name at a failed login", (text) => guest.login(text)],
      ["name at a refused registration", (text) => register(text, "")],
      ["name that is taken", (text) => withName(text, () => register(text, "x"))],
    ];
    await attack(places, true);
  });

  it("does not show or run special characters in passwords, URLs, field names, cookies and headers", async () => {
    const cookie = (text: string) => ({ Cookie: `session=${encoded(text)}; ${encoded(text)}=1` });
    const places: Place[] = [
      ["password", (text) => guest.login("test", text)],
      ["id of a post", (text) => author.get(`/${encoded(text)}/update`)],
      ["id of a post to delete", (text) => author.post(`/${encoded(text)}/delete`)],
      ["cursor", (text) => guest.get(`/?before=2018-01-01T00:00:00_1${encoded(text)}`)],
      ["query", (text) => guest.get(`/auth/login?${encoded(text)}=${encoded(text)}`)],
      ["field name", (text) => guest.post("/auth/login", { [text]: "x" })],
      ["cookie", (text) => guest.get("/", { headers: cookie(text) })],
      ["header", (text) => guest.get("/", { headers: { "X-Request-Id": text, "User-Agent": text, Referer: text } })],
    ];
    await attack(places, false);
  });

  it("accepts special characters in a new user's name and password", async () => {
    const username = PAYLOAD.slice(0, 150);
    assert.equal((await register(username, PAYLOAD)).location, "/auth/login");
    assert.deepEqual(await suite.db("user").pluck("username").orderBy("id"), ["test", "other", username]);
    assert.equal((await guest.login(username, PAYLOAD)).location, "/");
  });

  it("answers a malformed request with 400 or 404, without details of the error", async () => {
    // Each of these once caused an error 500, or could.
    const paths = [
      ...["/?before=%00", "/%/update", "/%ff", "/1%00", "/-1", "/99999999999", "/__proto__", "/%2e%2e/update"],
      ...["/static/__proto__", "/static/..%2fserver.ts", "/static/style.css%00"],
    ];
    const forms: [path: string, body: string, headers?: Record<string, string>][] = [
      ["/create", "title=x"],
      ["/create", "title=x&body=y&title=z"],
      ["/create", "title[]=x&body=y"],
      ["/auth/login", "username=x&password[__proto__]=x"],
      ["/auth/register", `username${"[a]".repeat(500)}=x&password=x`],
      ["/auth/register", "&".repeat(10_000)],
      ["/auth/login", "username=not+compressed&password=x", { "Content-Encoding": "gzip" }],
      ["/auth/login", '{"username":{"$ne":1}}', { "Content-Type": "application/json" }],
    ];
    const replies = [
      ...paths.map(async (path) => [path, await author.get(path)] as const),
      ...forms.map(async ([path, body, headers]) => {
        return [body.slice(0, 40), await author.request("POST", path, { ...form, ...headers }, body)] as const;
      }),
    ];
    for (const [request, { status, text }] of await Promise.all(replies)) {
      assert.ok([400, 404].includes(status), `${request}: ${String(status)}`);
      assert.doesNotMatch(text, /node_modules|\.ts:\d|SELECT|ER_/);
    }
  });

  it("stores a text that is not UTF-8, and shows it", async () => {
    const text = "a%ff%fe%ed%a0%80%f4%90%80%80%u0041%zz";
    assert.equal((await author.request("POST", "/1/update", form, `title=${text}&body=${text}`)).status, 302);
    assert.match((await guest.get("/")).text, /<a href="\/1" dir="auto">a/);
  });

  it("never links or redirects to another site, also while the database is unavailable", async () => {
    const alone = await suite.startAnother({ MYSQL_PORT: 1 });
    for (const path of ["//evil.example", "/\\evil.example", "/%2f%2fevil.example", "/?next=//evil.example"]) {
      for (const { url } of [suite.blog, alone]) {
        // The class Client would change the path. With a session, each page needs the database.
        const { hostname, port } = new URL(url);
        const request = get({ hostname, port, path, headers: { Cookie: author.cookieHeader } });
        const [response] = (await once(request, "response")) as [IncomingMessage];
        assert.deepEqual([response.statusCode === 503, response.headers.location], [url === alone.url, undefined]);
        const links = [...(await textOf(response)).matchAll(/(?:href|action)="([^"]*)"/g)].map(([, link = ""]) => link);
        assert.ok(links.length > 0 && links.every((link) => /^(\/(?![/\\&])|#)/.test(link)), links.join());
      }
    }
    const user = { username: "test", password: "test", next: "//evil.example" };
    assert.equal((await guest.post("/auth/login?next=//evil.example", user)).location, "/");
  });
});
