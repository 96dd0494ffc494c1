// A test for each assertion in the test suite of Flask's tutorial (examples/tutorial/tests in pallets/flask), in the
// same order. Intended differences are named in the tests. environment.test.ts has test_config, and tests/db/ has
// test_init_db_command.
import assert from "node:assert/strict";

import { serviceEnvironment, startBlog, useBlog } from "./blog.ts";

describe("Flask's tests", () => {
  const suite = useBlog();

  it("test_hello: /hello answers Hello, World!", async () => {
    assert.equal((await suite.client.get("/hello")).text, "Hello, World!");
  });

  // test_auth.py
  it("test_register: the page is shown, and the form inserts the user and redirects to the login page", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/register")).status, 200);
    const reply = await client.post("/auth/register", { username: "a", password: "a" });
    assert.equal(reply.location, "/auth/login");
    assert.notEqual(await db("user").first().where("username", "a"), undefined);
  });

  for (const [username, password, message] of [
    ["", "", "Username is required."],
    ["a", "", "Password is required."],
    ["test", "test", "User test is already registered."],
  ] as const) {
    it(`test_register_validate_input: "${username}" with "${password}" is refused with "${message}"`, async () => {
      const reply = await suite.client.post("/auth/register", { username, password });
      assert.ok(reply.text.includes(message), reply.text);
      assert.equal((await suite.db("user").count({ count: "*" }).first())?.count, 2);
    });
  }

  it("test_login: the page is shown, login redirects to the index, and the user is in the session", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/login")).status, 200);
    assert.equal((await client.login()).location, "/");
    assert.ok((await client.get("/")).text.includes("<span>test</span>"));
    assert.equal((await db<{ data: { userId: number } }>("session").first("data"))?.data.userId, 1);
  });

  for (const [username, password] of [
    ["a", "test"],
    ["test", "a"],
  ] as const) {
    it(`test_login_validate_input: "${username}" with "${password}" is refused with the same message`, async () => {
      const reply = await suite.client.login(username, password);
      assert.ok(reply.text.includes("Incorrect username or password."), reply.text);
      assert.equal(reply.location, null);
    });
  }

  it("test_logout: logout, here by POST, empties the session", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.logout()).location, "/");
    assert.ok((await client.get("/")).text.includes("Log In"));
    assert.deepEqual(await db("session").select(), []);
  });

  // test_blog.py
  it("test_index: a guest sees links to log in and register, the author sees the post with a link to edit it", async () => {
    const { client } = suite;
    const guests = (await client.get("/")).text;
    for (const text of ["Log In", "Register"]) assert.ok(guests.includes(text));
    await client.login();
    const authors = (await client.get("/")).text;
    for (const text of ["test title", "by test on 2018-01-01", "test\nbody", 'href="/1/update"']) {
      assert.ok(authors.includes(text), text);
    }
  });

  for (const path of ["/create", "/1/update", "/1/delete"]) {
    it(`test_login_required: POST ${path} redirects a guest to the login page`, async () => {
      assert.equal((await suite.client.post(path)).location, "/auth/login");
    });
  }

  it("test_author_required: only the author may change a post, and sees the link to do it", async () => {
    const { client, db } = suite;
    await db("post").where("id", 1).update("author_id", 2);
    const before = await db("post").select();
    await client.login();
    for (const path of ["/1/update", "/1/delete"]) {
      assert.equal((await client.post(path, { title: "x", body: "x" })).status, 403);
    }
    assert.ok(!(await client.get("/")).text.includes('href="/1/update"'));
    assert.deepEqual(await db("post").select(), before);
  });

  for (const path of ["/2/update", "/2/delete"]) {
    it(`test_exists_required: POST ${path} answers 404 for a missing post`, async () => {
      await suite.client.login();
      assert.equal((await suite.client.post(path)).status, 404);
    });
  }

  it("test_create, test_create_update_validate: the page is shown, and the form with a title inserts a post", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.get("/create")).status, 200);
    assert.match((await client.post("/create", { title: "", body: "" })).text, /Title is required\./);
    await client.post("/create", { title: "created", body: "" });
    assert.equal((await db("post").count({ count: "id" }).first())?.count, 2);
  });

  it("test_update, test_create_update_validate: the page is shown, and the form with a title changes the post", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.get("/1/update")).status, 200);
    assert.match((await client.post("/1/update", { title: "", body: "" })).text, /Title is required\./);
    await client.post("/1/update", { title: "updated", body: "" });
    assert.deepEqual(await db("post").first("title", "body").where("id", 1), { title: "updated", body: "" });
  });

  it("test_delete: delete redirects to the index, and the post is gone", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.post("/1/delete")).location, "/");
    assert.equal(await db("post").first().where("id", 1), undefined);
  });

  // test_db.py
  it("test_get_close_db: a stopped blog has closed its connections", async () => {
    const blog = await startBlog(serviceEnvironment(suite.database));
    await blog.db.raw("SELECT 1");
    await blog.stop();
    await assert.rejects(async () => blog.db.raw("SELECT 1"), /Unable to acquire a connection/);
  });
});
