import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import { Client, type Reply } from "../service/client.ts";
import { useService } from "../service/process.ts";
import { elements } from "./elements.ts";
import { patiently } from "./patience.ts";

const payloads = [
  "'",
  '"',
  "`",
  "\\",
  "' OR '1'='1",
  "' OR 1=1 -- x",
  "' OR 1=1 #",
  "') OR ('1'='1",
  '" OR ""="',
  "\\' OR 1=1 -- x",
  "1 OR 1=1",
  "1; DROP TABLE post; -- x",
  "'; DELETE FROM user; -- x",
  "'; UPDATE user SET password=''; -- x",
  "' UNION SELECT id, username, password FROM user -- x",
  "1 UNION SELECT 1,2,3,4,5,6",
  "' AND EXTRACTVALUE(1, CONCAT(0x7e, VERSION())) -- x",
  "' AND SLEEP(3) -- x",
  "1 AND SLEEP(3)",
  "1; SELECT SLEEP(3)",
  "'||(SELECT SLEEP(3))||'",
  "' AND (SELECT COUNT(*) FROM user a, user b, user c, user d) > 0 -- x",
  "test'/*",
  "test' -- x",
  "test'#",
  "¿' OR 1=1 -- x",
  "ʼ OR 1=1 -- x",
  "0x74657374",
  "?",
  ":username",
  "??",
  "$1",
];

/** Longer than any normal answer, shorter than an injected SLEEP. */
const LIMIT_MS = 2000;

describe("SQL", function () {
  this.timeout(120_000);
  const suite = useBlog();
  const server = useService(suite, { REGISTRATIONS_PER_HOUR: "1000" });
  let client: Client;
  let guest: Client;

  beforeEach(async () => {
    client = new Client(server.url);
    guest = new Client(server.url);
    assert.equal((await patiently(() => client.login())).location, "/");
  });

  const rows = async () => [
    await suite.db("user").select().orderBy("id"),
    await suite.db("post").select().orderBy("id"),
    (await suite.db("session").select()).length,
  ];

  const seen = async ({ status, location, text }: Reply) => ({ status, location, page: await elements(text) });

  /** Sends each payload, and returns the payloads with their answers. */
  async function sendAll(send: (payload: string) => Promise<Reply>): Promise<[payload: string, reply: Reply][]> {
    const answers: [string, Reply][] = [];
    for (const payload of payloads) {
      await suite.db("attempt").delete();
      const { ms, ...reply } = await patiently(() => send(payload), LIMIT_MS);
      assert.ok(ms < LIMIT_MS, `${payload} took ${ms.toFixed(0)} ms`);
      answers.push([payload, reply]);
    }
    return answers;
  }

  type Place = [where: string, send: (payload: string) => Promise<Reply>];
  const wrong: Place[] = [
    ["the name at log-in", (text) => guest.post("/auth/login", { username: text, password: "test" })],
    ["the password at log-in", (text) => guest.post("/auth/login", { username: "test", password: text })],
    ["the id of a post to see", (text) => client.get(`/${encodeURIComponent(text)}/update`)],
    [
      "the id of a post to change",
      (text) => client.post(`/${encodeURIComponent(text)}/update`, { title: "x", body: "x" }),
    ],
    ["the id of a post to delete", (text) => client.post(`/${encodeURIComponent(text)}/delete`)],
    ["the place in the list of posts", (text) => client.get(`/?before=${encodeURIComponent(text)}`)],
    [
      "the place in the list of posts, behind a right one",
      (text) => client.get(`/?before=${encodeURIComponent(`2018-01-01T00:00:00_1${text}`)}`),
    ],
    ["an unknown query", (text) => client.get(`/?${encodeURIComponent(text)}=${encodeURIComponent(text)}`)],
    [
      "the CSRF token",
      (text) => client.post("/create", { title: "x", body: "x" }, { token: text === "nothing" ? "x" : text }),
    ],
    [
      "a header",
      (text) => {
        const value = Buffer.from(text).toString("latin1");
        const names = ["X-Request-Id", "X-Forwarded-For", "User-Agent", "Referer", "Accept-Language", "If-None-Match"];
        return client.get("/", { headers: Object.fromEntries(names.map((name) => [name, value])) });
      },
    ],
    ...["session", "session.sig", "guest", "guest.sig", "other"].map((name): Place => [
      `the cookie ${name}`,
      (text) => {
        const cookie = encodeURIComponent(text).replaceAll("'", "%27");
        const named = client.cookieName(name);
        const header = `${client.cookieName("session")}=a; ${named}=${cookie}; ${named}="${cookie}"`;
        return new Client(server.url).request("GET", "/create", { Cookie: header });
      },
    ]),
  ];
  for (const [where, send] of wrong) {
    it(`as ${where} is answered as any other wrong text, as fast, and changes nothing`, async () => {
      const before = await rows();
      const harmless = await seen(await patiently(() => send("nothing")));
      for (const [payload, reply] of await sendAll(send)) assert.deepEqual(await seen(reply), harmless, payload);
      assert.deepEqual(await rows(), before);
    });
  }

  it("as the title and body of a post is stored as the text that it is, new or changed", async () => {
    await suite.db("post").insert({ id: 2, title: "untouched", body: "untouched", author_id: 2 });
    const untouched = await suite.db("post").where("author_id", 2);
    const users = await suite.db("user").select();
    for (const path of ["/create", "/1/update"]) {
      const answers = await sendAll((text) => client.post(path, { title: text, body: text }));
      for (const [payload, { location }] of answers) assert.equal(location, "/", payload);
    }
    const texts = await suite.db<{ title: string; body: string }>("post").select("title", "body").where("author_id", 1);
    assert.deepEqual(texts.map(({ title }) => title).sort(), [...payloads, payloads.at(-1)].sort());
    assert.ok(texts.every(({ title, body }) => title === body));
    assert.deepEqual(await suite.db("post").where("author_id", 2), untouched);
    assert.deepEqual(await suite.db("user").select(), users);
    assert.equal((await client.get("/")).status, 200);
  });

  it("as the name or password of a new user is stored as the text that it is, and one can log in with it", async () => {
    const users = await suite.db("user").select().orderBy("id");
    const answers = await sendAll((text) => client.post("/auth/register", { username: text, password: text }));
    const registered = answers.filter(([, { location }]) => location === "/auth/login").map(([payload]) => payload);
    // MySQL treats some payloads as equal to an existing name.
    assert.ok(registered.length > payloads.length - 3, registered.join("\n"));
    const names = await suite.db<{ username: string }>("user").pluck("username").orderBy("id");
    assert.deepEqual(names, ["test", "other", ...registered]);
    assert.deepEqual(await suite.db("user").where("id", "<=", 2).orderBy("id"), users);
    for (const name of registered.slice(0, 5)) {
      const own = new Client(server.url);
      assert.equal((await own.login(name, name)).location, "/");
      assert.ok((await own.get("/")).text.includes("Log Out"));
    }
  });

  it("shows nothing of itself in an answer or the log", async () => {
    const { text } = await client.get("/?before='");
    assert.doesNotMatch(text, /SELECT|ER_[A-Z]|mysql/i);
    assert.doesNotMatch(server.service.output(), /INTERNAL_ERROR|ER_PARSE_ERROR|"level":"error"/);
  });
});
