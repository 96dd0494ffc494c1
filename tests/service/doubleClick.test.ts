import assert from "node:assert/strict";

import { type RunningBlog, serviceEnvironment, startBlog, useBlog } from "./blog.ts";
import type { Client, Reply } from "./client.ts";

/** The body of a form, with its hidden fields and the reader's values. */
async function fillIn(client: Client, path: string, action: RegExp, fields: Record<string, string> = {}) {
  const { text } = await client.get(path);
  const form = [...text.matchAll(/<form[^>]*>.*?<\/form>/gs)].map(([html]) => html).find((html) => action.test(html));
  assert.ok(form, text);
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  const body = new URLSearchParams(fields);
  for (const [, name = "", value = ""] of hidden) body.set(name, value);
  return body;
}

/** A copy of the browser with its present cookies, connected to another pod. */
const atPod = (pod: RunningBlog, { cookies }: Client) => pod.client(suiteHost).withCookies(cookies);

/** Host of the Service in front of the pods. */
const suiteHost = "blog.example:30423";

describe("A double click", () => {
  const suite = useBlog();
  let pods: [RunningBlog, RunningBlog];
  let client: Client;

  before(async () => {
    pods = [suite.blog, await startBlog(serviceEnvironment(suite.database))];
  });
  beforeEach(() => {
    client = suite.blog.client(suiteHost);
  });
  after(() => pods[1].stop());

  /** When the second request is sent, and with which cookies. */
  const timings = {
    "at once": (path: string, body: URLSearchParams): Promise<Reply[]> =>
      Promise.all(pods.map((pod) => atPod(pod, client).request("POST", path, {}, body))),
    "one after the other": async (path: string, body: URLSearchParams): Promise<Reply[]> => [
      await client.request("POST", path, {}, body),
      await atPod(pods[1], client).request("POST", path, {}, body),
    ],
    "without the cookies of the first answer": async (path: string, body: URLSearchParams): Promise<Reply[]> => {
      const browsers = pods.map((pod) => atPod(pod, client));
      const replies: Reply[] = [];
      for (const browser of browsers) replies.push(await browser.request("POST", path, {}, body));
      return replies;
    },
  };

  const locations = (replies: Reply[]) => replies.map(({ status, location }) => location ?? status);

  for (const [when, send] of Object.entries(timings)) {
    describe(`whose requests reach two pods ${when}`, () => {
      it("on Save makes one post, and leads to the index", async () => {
        await client.login();
        const form = await fillIn(client, "/create", /name="title"/, { title: "new", body: "text" });
        assert.deepEqual(locations(await send("/create", form)), ["/", "/"]);
        assert.deepEqual(await suite.db("post").pluck("title").orderBy("id"), ["test title", "new"]);
      });

      it("on Save of a change changes the post, and leads to the index", async () => {
        await client.login();
        const form = await fillIn(client, "/1/update", /name="title"/, { title: "new", body: "text" });
        assert.deepEqual(locations(await send("/1/update", form)), ["/", "/"]);
        assert.deepEqual(await suite.db("post").pluck("title"), ["new"]);
      });

      it("on Delete deletes the post, and leads to the index", async () => {
        await client.login();
        const form = await fillIn(client, "/1/update", /action="\/1\/delete"/);
        assert.deepEqual(locations(await send("/1/delete", form)), ["/", "/"]);
        assert.deepEqual(await suite.db("post").select(), []);
      });

      it("on Register registers one user, and leads to the log-in page", async () => {
        const form = await fillIn(client, "/auth/register", /register/, { username: "new ", password: "a password" });
        assert.deepEqual(locations(await send("/auth/register", form)), ["/auth/login", "/auth/login"]);
        assert.equal((await suite.db("user").select().where("username", "new")).length, 1);
        assert.equal((await client.login("new", "a password")).location, "/");
      });

      it("on Log In logs in, and leads to the index", async () => {
        const form = await fillIn(client, "/auth/login", /login/, { username: "test", password: "test" });
        assert.deepEqual(locations(await send("/auth/login", form)), ["/", "/"]);
      });

      it("on Log In of somebody who is logged in already leads to the index", async () => {
        await client.login();
        const user = { username: "other", password: "other" };
        const form = await fillIn(client, "/auth/login", /action="\/auth\/login"/, user);
        // Login replaces the session, so the old cookies belong to an ended one.
        assert.deepEqual(locations(await send("/auth/login", form)), ["/", "/"]);
      });

      it("on Log Out leads to the index", async () => {
        await client.login();
        const form = await fillIn(client, "/", /logout/);
        assert.deepEqual(locations(await send("/auth/logout", form)), ["/", "/"]);
      });
    });
  }

  it("is none after the text was changed: Back, another text and Save make another post", async () => {
    await client.login();
    const form = await fillIn(client, "/create", /name="title"/, { title: "new", body: "text" });
    await client.request("POST", "/create", {}, form);
    form.set("body", "another text");
    await client.request("POST", "/create", {}, form);
    assert.equal((await suite.db("post").select().where("title", "new")).length, 2);
  });

  it("is none when two forms have the same text", async () => {
    await client.login();
    for (let i = 0; i < 2; i += 1) {
      const form = await fillIn(client, "/create", /name="title"/, { title: "new", body: "text" });
      assert.equal((await client.request("POST", "/create", {}, form)).location, "/");
    }
    assert.equal((await suite.db("post").select().where("title", "new")).length, 2);
  });

  it("is none when two users send the same form id", async () => {
    const other = suite.blog.client();
    await client.login();
    await other.login("other", "other");
    for (const author of [client, other]) await author.post("/create", { title: "new", body: "", form_id: "x" });
    assert.deepEqual(await suite.db("post").pluck("author_id").where("title", "new").orderBy("author_id"), [1, 2]);
  });

  it("is none when the form of a registration is sent again with another password", async () => {
    const form = await fillIn(client, "/auth/register", /register/, { username: "new", password: "first" });
    assert.equal((await client.request("POST", "/auth/register", {}, form)).location, "/auth/login");
    form.set("password", "second");
    const { text } = await client.request("POST", "/auth/register", {}, form);
    assert.match(text, /User new is already registered\./);
  });

  it("on Delete tells nobody but its author that a post was there", async () => {
    await client.login();
    const form = await fillIn(client, "/1/update", /action="\/1\/delete"/);
    const other = suite.blog.client();
    await other.login("other", "other");
    const stolen = new URLSearchParams(form);
    stolen.set("_csrf", await other.token());
    await client.request("POST", "/1/delete", {}, form);
    assert.equal((await other.request("POST", "/1/delete", {}, stolen)).status, 404);
    assert.equal((await client.request("POST", "/2/delete", {}, form)).status, 404);
    assert.equal((await client.post("/1/delete")).status, 404);
  });
});
