import assert from "node:assert/strict";

import { useBlog } from "../service/blog.ts";
import { Client, type Reply } from "../service/client.ts";
import { useService } from "../service/process.ts";

const REGISTRATIONS = 5;

describe("Two replicas of the blog", function () {
  this.timeout(120_000);
  const suite = useBlog();
  const environment = { REGISTRATIONS_PER_HOUR: String(REGISTRATIONS) };
  const replicas = [useService(suite, environment), useService(suite, environment)];

  interface Options {
    /** The address to connect from. */
    from?: string;
    headers?: Record<string, string>;
  }

  async function send(
    replica: number,
    path: string,
    fields: Record<string, string>,
    { from = "127.0.0.1", headers = {} }: Options = {},
  ): Promise<Reply & { retryAfter: number }> {
    const client = new Client(replicas[replica % 2]?.url ?? "");
    client.localAddress = from;
    const reply = await client.post(path, fields, { headers });
    return { ...reply, retryAfter: Number(reply.headers.get("retry-after")) };
  }

  const login = (replica: number, username: string, password: string, options?: Options) =>
    send(replica, "/auth/login", { username, password }, options);
  const register = (replica: number, username: string, options?: Options) =>
    send(replica, "/auth/register", { username, password: "x" }, options);

  /** Sends ten wrong passwords, alternating between the two servers. */
  async function useUp(options: (attempt: number) => Options = () => ({}), names = ["other"]): Promise<void> {
    for (let i = 0; i < 10; i += 1) {
      const { status } = await login(i, names[i % names.length] ?? "", `wrong ${String(i)}`, options(i));
      assert.equal(status, 200, `attempt ${String(i)}`);
    }
  }

  it("stop log-ins after ten wrong passwords in all, say for how long, and let neither in with the right one", async () => {
    await useUp();
    for (const replica of [0, 1]) {
      const { status, retryAfter } = await login(replica, "other", "other");
      assert.equal(status, 429);
      assert.ok(retryAfter > 290 && retryAfter <= 300, String(retryAfter));
    }
    await suite.db("attempt").update({ expires: suite.db.raw("UTC_TIMESTAMP()") });
    assert.equal((await login(0, "other", "other")).location, "/");
  });

  it("let in another user from that address, and that user from another address", async () => {
    await useUp();
    assert.equal((await login(0, "test", "test")).location, "/");
    assert.equal((await login(1, "other", "other", { from: "127.0.0.2" })).location, "/");
    assert.equal((await login(0, "other", "other")).status, 429);
  });

  it("count wrong passwords only: who knows the right one never waits", async () => {
    for (let i = 0; i < 12; i += 1) assert.equal((await login(i, "other", "other")).location, "/");
  });

  it("take no address from a header, neither to count by nor to look up", async () => {
    const headers = (attempt: number) => ({
      "X-Forwarded-For": `10.0.0.${String(attempt)}, 192.168.0.1`,
      "X-Real-IP": `10.0.0.${String(attempt)}`,
      "X-Client-IP": `10.0.0.${String(attempt)}`,
      "CF-Connecting-IP": `10.0.0.${String(attempt)}`,
      Forwarded: `for=10.0.0.${String(attempt)}`,
    });
    await useUp((attempt) => ({ headers: headers(attempt) }));
    assert.equal((await login(0, "other", "other", { headers: headers(77) })).status, 429);
    assert.equal(suite.blog.app.proxy, false);
  });

  it("take all spellings that MySQL takes for one name for that name", async () => {
    const spellings = [
      "other",
      "OTHER",
      "öther",
      "øther",
      "ｏther",
      "𝐨ther",
      "oth\u200ber",
      "o\u0338ther",
      "othεr",
      "ⓞther",
    ];
    const alike: string[] = [];
    for (const username of spellings) {
      if (await suite.db("user").first("id").where({ username })) alike.push(username);
    }
    assert.ok(alike.includes("øther") && alike.length >= 8, alike.join());
    await useUp(() => ({}), alike);
    for (const name of alike) assert.equal((await login(0, name, "other")).status, 429, name);
    assert.equal((await suite.db("attempt").select()).length, 1);
  });

  it("count attempts that come all at once, at both", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 16 }, async (_, i) => (await login(i, "other", "wrong")).status),
    );
    assert.equal(statuses.filter((status) => status === 429).length, 6, statuses.join());
  });

  it("stop registrations from one address after so many an hour in all, and not from another", async () => {
    // The form refuses a user without a name, which does not count. A name that is taken counts.
    assert.equal((await register(0, "")).status, 200);
    assert.equal((await register(0, "test")).status, 200);
    for (let i = 1; i < REGISTRATIONS; i += 1) {
      assert.equal((await register(i, `new ${String(i)}`)).location, "/auth/login");
    }
    for (const headers of [{}, { "X-Forwarded-For": "10.0.0.1" }]) {
      const { status, retryAfter } = await register(0, "one more", { headers });
      assert.equal(status, 429);
      assert.ok(retryAfter > 3590 && retryAfter <= 3600, String(retryAfter));
    }
    assert.equal((await register(1, "from elsewhere", { from: "127.0.0.2" })).location, "/auth/login");
    assert.equal((await suite.db("user").select()).length, 2 + REGISTRATIONS);
    await suite.db("attempt").update({ expires: suite.db.raw("UTC_TIMESTAMP()") });
    assert.equal((await register(0, "after the hour")).location, "/auth/login");
  });

  it("let no more through when they come all at once", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => register(i, `new ${String(i)}`)));
    assert.ok(answers.every(({ status }) => [302, 429, 503].includes(status)));
    assert.ok((await suite.db("user").select()).length <= 2 + REGISTRATIONS);
  });
});
