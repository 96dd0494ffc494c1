import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import type { Client } from "../service/client.ts";

interface PostRow {
  id: number;
  author_id: number;
  title: string;
  created: string;
}

interface UserRow {
  id: number;
  username: string;
}

describe("A reader who is logged in", () => {
  const suite = useBlog();
  let client: Client;

  /** Logs in as "other". Post 1 belongs to "test". */
  beforeEach(async () => {
    ({ client } = suite);
    await client.login("other", "other");
  });

  const rows = async () => [await suite.db("user").select(), await suite.db("post").select()];
  const post = { title: "taken over", body: "taken over" };

  it("sees neither the form nor the link to change another's post", async () => {
    const { status, text } = await client.get("/1/update");
    assert.equal(status, 403);
    assert.ok(!text.includes("test title") && !text.includes("test\nbody"), text);
    assert.ok(!(await client.get("/")).text.includes("/1/update"));
  });

  const attempts: [how: string, path: string, fields?: Record<string, string>, headers?: Record<string, string>][] = [
    ["changes", "/1/update"],
    ["changes, as its author,", "/1/update", { ...post, author_id: "2", username: "test", user_id: "1", userId: "1" }],
    ["changes, under its own id,", "/1/update", { ...post, id: "2" }],
    ["changes, with wrong fields,", "/1/update", { title: "" }],
    ["changes, with a method in the form,", "/1/update", { ...post, _method: "DELETE" }],
    ["changes, with a method in a header,", "/1/update", post, { "X-HTTP-Method-Override": "DELETE" }],
    [
      "changes, with another URL in a header,",
      "/create?x=1",
      { title: "", body: "" },
      { "X-Original-URL": "/1/delete" },
    ],
    ["deletes", "/1/delete"],
    ["deletes, as an administrator,", "/1/delete", { is_admin: "1", admin: "true", role: "admin" }],
    ["deletes, as its author,", "/1/delete?author_id=2&userId=1", { author_id: "2" }, { "X-User": "test" }],
  ];
  for (const [how, path, fields = post, headers = {}] of attempts) {
    it(`neither ${how} another's post`, async () => {
      const before = await rows();
      const { status } = await client.post(path, fields, { headers });
      // /create is allowed, and shows the form again with the error.
      assert.equal(status, path.startsWith("/create") ? 200 : 403);
      assert.deepEqual(await rows(), before);
    });
  }

  it("reaches another's post by no other spelling of its id", async () => {
    const before = await rows();
    for (const id of ["01", "1.0", "1e0", "+1", " 1", "1 ", "0x1", "１", "1%00", "1;", "1,2", "1/../1", "%31", "[1]"]) {
      for (const action of ["update", "delete"]) {
        const { status } = await client.post(`/${id.replace(" ", "%20")}/${action}`, post);
        assert.ok([403, 404, 405].includes(status), `${id}: ${String(status)}`);
      }
    }
    assert.deepEqual(await rows(), before);
  });

  it("changes nothing by a GET or HEAD request", async () => {
    const before = await rows();
    const author = suite.blog.client();
    await author.login();
    const users = (await rows())[0];
    for (const path of ["/1/delete", "/1/update?title=x&body=x", "/create?title=x&body=x", "/auth/logout"]) {
      for (const method of ["GET", "HEAD"]) await author.request(method, path);
    }
    assert.deepEqual(await rows(), [users, before[1]]);
    assert.equal((await author.get("/create")).status, 200);
  });

  const more = {
    ...{ id: "77", author_id: "1", user_id: "1", userId: "1", username: "test", created: "2000-01-01 00:00:00" },
    ...{ is_admin: "1", admin: "true", role: "admin", password: "x", ["__proto__"]: "x", constructor: "x" },
  };

  it("cannot give a post another author, id or time, when it is new nor when it is changed", async () => {
    await client.post("/create", { title: "mine", body: "", ...more });
    const own = async () => {
      const [row, ...others] = await suite.db<PostRow>("post").select().where("author_id", 2);
      assert.ok(row);
      assert.deepEqual(others, []);
      return row;
    };
    const created = await own();
    assert.notEqual(created.id, 77);
    assert.ok(!created.created.startsWith("2000"));
    await client.post(`/${String(created.id)}/update`, { title: "changed", body: "", ...more });
    assert.deepEqual(await own(), { ...created, title: "changed" });
  });

  it("cannot choose an id when registering, nor be taken for another by what the form has beside", async () => {
    const users = await suite.db("user").select().orderBy("id");
    const guest = suite.blog.client();
    const fields = { ...more, username: "new", password: "new", id: "1" };
    assert.equal((await guest.post("/auth/register", fields)).location, "/auth/login");
    const [row] = await suite.db<UserRow>("user").select().where("username", "new");
    assert.ok(row && row.id > 2);
    assert.deepEqual(Object.keys(row), ["id", "username", "password", "submission"]);
    assert.deepEqual(await suite.db("user").select().where("id", "<=", 2).orderBy("id"), users);
    await guest.post("/auth/login", { ...fields, userId: "1", user_id: "1" });
    assert.match((await guest.get("/")).text, /<li><span>new<\/span>/);
  });
});
