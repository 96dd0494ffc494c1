// A test for each assertion in the test suite of Flask's tutorial (examples/tutorial/tests in pallets/flask), in the
// same order. Intended differences are named in the tests.
import assert from "node:assert/strict";

import { parseEnvironment } from "../../service/environment.ts";
import { serviceVariables } from "../../service/environment.ts";
import { KEY, migrateDatabase, serviceEnvironment, startBlog, useBlog } from "./blog.ts";

describe("Flask's tests", () => {
  const suite = useBlog();

  it("test_config: without a configuration of its own the blog takes its defaults, with one it takes that", () => {
    const environment = {
      MYSQL_HOST: "db",
      MYSQL_DATABASE: "blog",
      MYSQL_USER: "blog",
      MYSQL_PASSWORD: "secret",
      SESSION_KEYS: KEY,
    };
    assert.equal(parseEnvironment(serviceVariables, environment).PORT, 5000);
    assert.equal(parseEnvironment(serviceVariables, { ...environment, PORT: "8000" }).PORT, 8000);
  });

  it("test_hello: /hello answers Hello, World!", async () => {
    assert.equal((await suite.client.get("/hello")).text, "Hello, World!");
  });
  // test_auth.py
  it("test_register: the page is shown, registering leads to the log-in page and inserts the user", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/register")).status, 200);
    const reply = await client.post("/auth/register", { username: "a", password: "a" });
    assert.equal(reply.location, "/auth/login");
    assert.notEqual(await db("user").first().where("username", "a"), undefined);
  });

  const invalidRegistrations = [
    { username: "", password: "", message: "Username is required." },
    { username: "a", password: "", message: "Password is required." },
    { username: "test", password: "test", message: "User test is already registered." },
  ];
  for (const { username, password, message } of invalidRegistrations) {
    it(`test_register_validate_input: "${username}" with "${password}" is refused with "${message}"`, async () => {
      const reply = await suite.client.post("/auth/register", { username, password });
      assert.ok(reply.text.includes(message), reply.text);
      assert.equal((await suite.db("user").count({ count: "*" }).first())?.count, 2);
    });
  }

  it("test_login: the page is shown, logging in leads to the index, and the user is in the session", async () => {
    const { client, db } = suite;
    assert.equal((await client.get("/auth/login")).status, 200);
    const reply = await client.login();
    assert.equal(reply.location, "/");
    assert.ok((await client.get("/")).text.includes("<span>test</span>"));
    const session = await db<{ data: { userId: number } }>("session").first("data");
    assert.equal(session?.data.userId, 1);
  });

  for (const { username, password } of [
    { username: "a", password: "test" },
    { username: "test", password: "a" },
  ]) {
    it(`test_login_validate_input: "${username}" with "${password}" is refused, without saying which is wrong`, async () => {
      const reply = await suite.client.login(username, password);
      assert.ok(reply.text.includes("Incorrect username or password."), reply.text);
      assert.equal(reply.location, null);
    });
  }

  it("test_logout: logging out, here by POST, empties the session", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.logout()).location, "/");
    assert.ok((await client.get("/")).text.includes("Log In"));
    assert.deepEqual(await db("session").select(), []);
  });
  // test_blog.py
  it("test_index: a guest sees links to log in and register, the author sees the post with a link to edit it", async () => {
    const { client } = suite;
    let page = (await client.get("/")).text;
    assert.ok(page.includes("Log In"));
    assert.ok(page.includes("Register"));

    await client.login();
    page = (await client.get("/")).text;
    assert.ok(page.includes("test title"));
    assert.ok(page.includes("by test on 2018-01-01"));
    assert.ok(page.includes("test\nbody"));
    assert.ok(page.includes('href="/1/update"'));
  });

  for (const path of ["/create", "/1/update", "/1/delete"]) {
    it(`test_login_required: POST ${path} sends a guest to the log-in page`, async () => {
      const reply = await suite.client.post(path, {}, { token: null });
      assert.equal(reply.location, "/auth/login");
    });
  }

  it("test_author_required: only the author may change a post, and sees the link to do it", async () => {
    const { client, db } = suite;
    await db("post").where("id", 1).update("author_id", 2);
    await client.login();
    assert.equal((await client.post("/1/update")).status, 403);
    assert.equal((await client.post("/1/delete")).status, 403);
    assert.ok(!(await client.get("/")).text.includes('href="/1/update"'));
    assert.deepEqual(await db("post").first("title", "body").where("id", 1), {
      title: "test title",
      body: "test\nbody",
    });
  });

  for (const path of ["/2/update", "/2/delete"]) {
    it(`test_exists_required: POST ${path} answers 404 where there is no such post`, async () => {
      await suite.client.login();
      assert.equal((await suite.client.post(path)).status, 404);
    });
  }

  it("test_create: the page is shown, and the form inserts a post", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.get("/create")).status, 200);
    await client.post("/create", { title: "created", body: "" });
    assert.equal((await db("post").count({ count: "id" }).first())?.count, 2);
  });

  it("test_update: the page is shown, and the form changes the post", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.get("/1/update")).status, 200);
    await client.post("/1/update", { title: "updated", body: "" });
    assert.deepEqual(await db("post").first("title", "body").where("id", 1), { title: "updated", body: "" });
  });

  for (const path of ["/create", "/1/update"]) {
    it(`test_create_update_validate: POST ${path} requires a title`, async () => {
      await suite.client.login();
      const reply = await suite.client.post(path, { title: "", body: "" });
      assert.ok(reply.text.includes("Title is required."), reply.text);
    });
  }

  it("test_delete: deleting leads to the index, and the post is gone", async () => {
    const { client, db } = suite;
    await client.login();
    assert.equal((await client.post("/1/delete")).location, "/");
    assert.equal(await db("post").first().where("id", 1), undefined);
  });
  // test_db.py
  it("test_get_close_db: the blog keeps one pool, and no query is possible once that is closed", async () => {
    const blog = await startBlog(serviceEnvironment(suite.database));
    await blog.db.raw("SELECT 1");
    await blog.stop();
    await assert.rejects(async () => blog.db.raw("SELECT 1"), /Unable to acquire a connection/);
  });

  // tests/service/migrations.test.ts tests that the command creates the tables.
  it("test_init_db_command: the command keeps what is there already", async () => {
    assert.deepEqual(await migrateDatabase(suite.database), []);
  });
});
