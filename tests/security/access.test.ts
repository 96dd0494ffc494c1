import assert from "node:assert/strict";

import type { Client } from "../client.ts";
import { useBlog } from "../service/blog.ts";

describe("A user", () => {
  const suite = useBlog();
  let client: Client;

  /** Post 1 belongs to "test". */
  beforeEach(async () => {
    ({ client } = suite);
    assert.equal((await client.login("other", "other")).location, "/");
  });

  const rows = async () => [await suite.db("user").select(), await suite.db("post").select()];

  it("cannot see, change or delete another's post, under any spelling of its id", async () => {
    const before = await rows();
    const { status, text } = await client.get("/1/update");
    assert.equal(status, 403);
    assert.doesNotMatch(text, /test title|test\nbody/);
    const fields = { title: "taken", body: "taken", author_id: "2", id: "2" };
    for (const id of ["1", "01", "1.0", "1e0", "+1", "%201", "0x1", "%EF%BC%91", "1%00", "1;", "1,2"]) {
      for (const action of ["update", "delete"]) {
        assert.equal((await client.post(`/${id}/${action}`, fields)).status, id === "1" ? 403 : 404, id);
      }
    }
    assert.deepEqual(await rows(), before);
  });

  it("changes nothing by GET or HEAD, and gets 405 for a method that a page does not have", async () => {
    const author = suite.blog.client();
    await author.login();
    const before = await rows();
    for (const path of ["/1/delete", "/1/update?title=x&body=x", "/create?title=x&body=x", "/auth/logout"]) {
      for (const method of ["GET", "HEAD"]) await author.request(method, path);
    }
    assert.deepEqual(await rows(), before);
    assert.equal((await author.get("/create")).status, 200, "the author is still logged in");
    const { status, headers } = await author.request("DELETE", "/1/delete");
    assert.deepEqual([status, headers.get("allow")], [405, "POST"]);
  });

  it("cannot choose ids, authors or times by additional fields", async () => {
    const more = { id: "77", author_id: "1", user_id: "1", userId: "1", created: "2000-01-01 00:00:00" };
    await client.post("/create", { title: "mine", body: "", ...more });
    const own = async () => (await suite.db("post").where("author_id", 2)) as { id: number; created: string }[];
    const [created] = await own();
    assert.ok(created && created.id !== 77 && !created.created.startsWith("2000"));
    await client.post(`/${String(created.id)}/update`, { title: "changed", body: "", ...more });
    assert.deepEqual(await own(), [{ ...created, title: "changed" }]);

    const guest = suite.blog.client();
    await guest.post("/auth/register", { ...more, username: "new", password: "new" });
    await guest.post("/auth/login", { ...more, username: "new", password: "new" });
    assert.match((await guest.get("/")).text, /<li><span>new<\/span>/);
    const existing = await suite.db("user").pluck("username").whereIn("id", [1, 2, 77]).orderBy("id");
    assert.deepEqual(existing, ["test", "other"]);
  });
});
