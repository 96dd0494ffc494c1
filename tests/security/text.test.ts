import assert from "node:assert/strict";

import type { Client, Reply } from "../client.ts";
import { useBlog } from "../service/blog.ts";
import { elements, unescaped } from "./elements.ts";

/** All characters with a meaning in SQL, HTML and templates. */
const PAYLOAD =
  `\\' OR "1"='1' -- x; </title></textarea>--><img src=x onerror=alert(1)>&lt;b&gt;` +
  "{{7*7}}{% raw %}`${7*7}<!-- ?:a %00";
const HARMLESS = "harmless";
const encoded = encodeURIComponent;
const form = { "Content-Type": "application/x-www-form-urlencoded" };

describe("Text with special characters", () => {
  const suite = useBlog();
  let author: Client;
  let guest: Client;

  beforeEach(async () => {
    author = suite.blog.client();
    assert.equal((await author.login()).location, "/");
    guest = suite.blog.client();
  });

  type Send = (text: string) => Promise<Reply>;
  const rename = (username: string) => suite.db("user").where("id", 1).update({ username });
  /** Stores a post of the author, then reads a page. */
  const stored =
    (field: "title" | "body", reader: () => Client, path: string): Send =>
    async (text) => {
      const post = { title: "any", body: "any", [field]: text };
      assert.equal((await author.post("/1/update", post)).location, "/");
      assert.deepEqual(await suite.db("post").first("title", "body").where("id", 1), post);
      return reader().get(path);
    };

  const shown: [where: string, send: Send][] = [
    ...(["title", "body"] as const).flatMap((field): [string, Send][] => [
      [`${field} on a guest's index`, stored(field, () => guest, "/")],
      [`${field} on its author's index`, stored(field, () => author, "/")],
      [`${field} on the post's page`, stored(field, () => author, "/1")],
      [`${field} in the form`, stored(field, () => author, "/1/update")],
    ]),
    ["title in a refused form", (text) => author.post("/create", { title: text + "x".repeat(255), body: "" })],
    ["body in a refused form", (text) => author.post("/1/update", { title: "", body: text })],
    ["title in the form after a logout", (text) => guest.post("/create", { title: text, body: "" })],
    ["body in the form after a logout", (text) => guest.post("/create", { title: "any", body: text })],
    [
      "title and body of a form from another site",
      (text) => author.post("/create", { title: text, body: text }, { headers: { Origin: "http://evil.example" } }),
    ],
    ["name at a failed login", (text) => guest.login(text)],
    ["name at a refused registration", (text) => guest.post("/auth/register", { username: text, password: "" })],
    [
      "name that is taken",
      async (text) => {
        await rename(text);
        return guest.post("/auth/register", { username: text, password: "x" });
      },
    ],
    [
      "name in the navigation",
      async (text) => {
        await rename(text);
        return author.get("/create");
      },
    ],
    ["origin of a form", (text) => guest.post("/auth/logout", {}, { headers: { Origin: text } })],
  ];
  const hidden: [where: string, send: Send][] = [
    ["password", (text) => guest.login("test", text)],
    ["id of a post", (text) => guest.get(`/${encoded(text)}`)],
    ["id of a post to delete", (text) => author.post(`/${encoded(text)}/delete`)],
    ["cursor", (text) => guest.get(`/?before=${encoded(text)}`)],
    ["end of a cursor", (text) => guest.get(`/?before=2018-01-01T00:00:00_1${encoded(text)}`)],
    ["query", (text) => guest.get(`/auth/login?${encoded(text)}=${encoded(text)}`)],
    ["field name", (text) => guest.post("/auth/login", { [text]: "x" })],
    ["cookie", (text) => guest.get("/", { headers: { Cookie: `session=${encoded(text)}; ${encoded(text)}=1` } })],
    ["header", (text) => guest.get("/", { headers: { "X-Request-Id": text, "User-Agent": text, Referer: text } })],
  ];

  for (const [places, isShown] of [
    [shown, true],
    [hidden, false],
  ] as const) {
    for (const [where, send] of places) {
      it(`is ${isShown ? "shown as text" : "not shown"} when it is the ${where}`, async () => {
        const rows = async () => [await suite.db("user").where("id", 2), await suite.db("user").pluck("password")];
        const expected = await send(HARMLESS);
        const before = await rows();
        const { status, headers, text } = await send(PAYLOAD);
        assert.deepEqual([status, headers.get("content-type")], [expected.status, "text/html; charset=utf-8"]);
        assert.deepEqual(await elements(text), await elements(expected.text));
        const count = (page: string, part: string) => page.split(part).length - 1;
        assert.equal(count(unescaped(text), PAYLOAD), count(expected.text, HARMLESS));
        assert.equal(count(expected.text, HARMLESS) > 0, isShown);
        assert.deepEqual(await rows(), before);
        assert.equal((await suite.db("post").select()).length, 1);
      });
    }
  }

  it("is stored as a new user's name and password, which can log in", async () => {
    const name = PAYLOAD.slice(0, 150);
    assert.equal((await guest.post("/auth/register", { username: name, password: PAYLOAD })).location, "/auth/login");
    assert.deepEqual(await suite.db("user").pluck("username").orderBy("id"), ["test", "other", name]);
    assert.equal((await guest.login(name, PAYLOAD)).location, "/");
  });

  // Each of these once caused an error 500, or could.
  const malformed: [path: string, body?: string, headers?: Record<string, string>][] = [
    ...["%00", "1,2", "2018-02-31T00:00:00_1", "2018-00-10T00:00:00_1", "2018-01-01T24:00:00_1", "9&before=9"].map(
      (cursor): [string] => [`/?before=${cursor}`],
    ),
    ...["%", "%ff", "%ed%a0%80", "1%00", "-1", "99999999999", "constructor", "__proto__", "%2e%2e"].map(
      (id): [string] => [`/${id}/update`],
    ),
    ["/static/__proto__"],
    ["/static/..%2fserver.ts"],
    ["/static/style.css%00"],
    ...["", "title=x", "title=x&body=y&title=z", "title[]=x&body=y", "title[a]=x&body=y", "title.a=x&body=y"].map(
      (body): [string, string] => ["/create", body],
    ),
    ["/auth/login", "username=x&password[__proto__]=x"],
    ["/auth/login", "username[$ne]=x&password=x"],
    ["/auth/register", `username${"[a]".repeat(500)}=x&password=x`],
    ["/auth/register", "&".repeat(10_000)],
    ["/auth/login", "username=not+compressed&password=x", { "Content-Encoding": "gzip" }],
    ["/auth/login", '{"username":{"$ne":1}}', { "Content-Type": "application/json" }],
  ];
  for (const [path, body, headers] of malformed) {
    it(`is no error of the blog in ${path} ${body?.slice(0, 40) ?? ""}`, async () => {
      const { status, text } = await author.request(
        body === undefined ? "GET" : "POST",
        path,
        { ...form, ...headers },
        body,
      );
      assert.ok([400, 404].includes(status), text);
      assert.doesNotMatch(text, /node_modules|\.ts:\d|SELECT|ER_/);
    });
  }

  it("is no error of the blog in a title and body with invalid or unusual characters", async () => {
    for (const title of ["%ff%fe", "%ed%a0%80", "%f4%90%80%80", "a%00b", "%u0041", "%zz", "%F0%9F%90%9F"]) {
      const { status } = await author.request("POST", "/1/update", form, `title=a${title}&body=${title.repeat(1000)}`);
      assert.ok([302, 400].includes(status), `${title}: ${String(status)}`);
      assert.equal((await guest.get("/")).status, 200);
    }
  });
});
