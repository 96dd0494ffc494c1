// The assertions in the test suite of Flask's tutorial (examples/tutorial/tests in pallets/flask), in the same order.
// environment.test.ts has test_config, and tests/db/ has test_init_db_command.
import assert from "node:assert/strict";

import { serviceEnvironment, startBlog, useBlog } from "./blog.ts";

describe("Flask's tests", () => {
  const suite = useBlog();
  const page = async (path: string) => (await suite.client.get(path)).text;

  it("test_hello: /hello answers Hello, World!", async () => {
    assert.equal(await page("/hello"), "Hello, World!");
  });

  it("test_register: the form inserts the user and redirects to the login page", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/register")).status, 200);
    const reply = await client.post("/auth/register", { username: "a", password: "a" });
    assert.equal(reply.location, "/auth/login");
    assert.deepEqual(await db("user").pluck("username").orderBy("id"), ["test", "other", "a"]);
  });

  it("test_register_validate_input: a form without name or password, or with an existing name, is refused", async () => {
    for (const [username, password, message] of [
      ["", "", "Username is required."],
      ["a", "", "Password is required."],
      ["test", "test", "User test is already registered."],
    ] as const) {
      const { text } = await suite.client.post("/auth/register", { username, password });
      assert.ok(text.includes(message), text);
    }
  });

  it("test_login, test_logout: the session has the user until the logout, here by POST", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/login")).status, 200);
    assert.equal((await client.login()).location, "/");
    assert.ok((await page("/")).includes("<span>test</span>"));
    assert.equal((await db<{ data: { userId: number } }>("session").first("data"))?.data.userId, 1);
    assert.equal((await client.logout()).location, "/");
    assert.ok((await page("/")).includes("Log In"));
  });

  it("test_login_validate_input: a wrong name and a wrong password get the same message", async () => {
    for (const [username, password] of [
      ["a", "test"],
      ["test", "a"],
    ] as const) {
      assert.ok((await suite.client.login(username, password)).text.includes("Incorrect username or password."));
    }
  });

  it("test_index: a guest sees links to log in and register, the author sees the post with a link to edit it", async () => {
    const guests = await page("/");
    for (const text of ["Log In", "Register"]) assert.ok(guests.includes(text));
    await suite.client.login();
    for (const path of ["/", "/1"]) {
      const text = await page(path);
      for (const part of ["Log Out", "test title", "by test on 2018-01-01", "test\nbody", 'href="/1/update"']) {
        assert.ok(text.includes(part), text);
      }
    }
  });

  it("test_login_required: a guest's form is redirected to the login page", async () => {
    for (const path of ["/create", "/1/update", "/1/delete"]) {
      assert.equal((await suite.client.post(path)).location, "/auth/login", path);
    }
  });

  it("test_author_required: only the author may change a post, and sees the link to do it", async () => {
    const { client, db } = suite;
    const before = await db("post").select();
    await client.login("other", "other");
    for (const path of ["/1/update", "/1/delete"]) {
      assert.equal((await client.post(path, { title: "x", body: "x" })).status, 403, path);
    }
    for (const path of ["/", "/1"]) assert.ok(!(await page(path)).includes('href="/1/update"'), path);
    assert.deepEqual(await db("post").select(), before);
  });

  it("test_exists_required: a missing post is a 404", async () => {
    await suite.client.login();
    for (const path of ["/2/update", "/2/delete"]) assert.equal((await suite.client.post(path)).status, 404, path);
  });

  it("test_create, test_update, test_create_update_validate, test_delete: the forms change the posts", async () => {
    const { client, db } = suite;
    await client.login();
    for (const path of ["/create", "/1/update"]) {
      assert.equal((await client.get(path)).status, 200);
      assert.match((await client.post(path, { title: "", body: "" })).text, /Title is required\./);
      assert.equal((await client.post(path, { title: path, body: "" })).location, "/");
    }
    assert.deepEqual(await db("post").pluck("title").orderBy("id"), ["/1/update", "/create"]);
    assert.equal((await client.post("/1/delete")).location, "/");
    assert.deepEqual(await db("post").pluck("title"), ["/create"]);
  });

  it("test_get_close_db: a stopped blog has closed its connections", async () => {
    const blog = await startBlog(serviceEnvironment(suite.database));
    await blog.db.raw("SELECT 1");
    await blog.stop();
    await assert.rejects(async () => blog.db.raw("SELECT 1"), /Unable to acquire a connection/);
  });
});
