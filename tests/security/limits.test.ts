import assert from "node:assert/strict";

import type { Reply } from "../client.ts";
import { type RunningBlog, useBlog } from "../service/blog.ts";
import { elements } from "./elements.ts";

const REGISTRATIONS = 5;

describe("Two replicas of the blog", () => {
  const suite = useBlog({ REGISTRATIONS_PER_HOUR: REGISTRATIONS });
  let replicas: RunningBlog[];

  beforeEach(async () => {
    replicas = [suite.blog, await suite.startAnother({ REGISTRATIONS_PER_HOUR: REGISTRATIONS })];
  });

  interface Options {
    from?: string;
    headers?: Record<string, string>;
  }

  /** @param n attempts alternate between the replicas */
  function send(n: number, path: string, fields: Record<string, string>, options: Options = {}): Promise<Reply> {
    const client = replicas[n % 2]?.client();
    assert.ok(client);
    client.localAddress = options.from ?? "127.0.0.1";
    return client.post(path, fields, { headers: options.headers ?? {} });
  }

  const login = (n: number, username: string, password: string, options?: Options) =>
    send(n, "/auth/login", { username, password }, options);
  const register = (n: number, username: string, options?: Options) =>
    send(n, "/auth/register", { username, password: "x" }, options);
  const waitOf = ({ headers }: Reply) => Number(headers.get("retry-after"));
  const expireAll = () => suite.db("rate_limit").update({ expire: Date.now() - 1 });
  const forgedAddress = (n: number) => ({
    "X-Forwarded-For": `10.0.0.${String(n)}`,
    "X-Real-IP": `10.0.0.${String(n)}`,
    Forwarded: `for=10.0.0.${String(n)}`,
  });

  it("refuse a user's logins from an address after ten wrong passwords, whatever it claims to be", async () => {
    for (let n = 0; n < 10; n += 1) {
      assert.equal((await login(n, "other", "wrong", { headers: forgedAddress(n) })).status, 200);
    }
    for (const n of [0, 1]) {
      const reply = await login(n, " OTHER ", "other", { headers: forgedAddress(77) });
      assert.equal(reply.status, 429);
      assert.ok(waitOf(reply) > 280 && waitOf(reply) <= 300, String(waitOf(reply)));
    }
    assert.equal((await login(0, "test", "test")).location, "/");
    assert.equal((await login(1, "other", "other", { from: "127.0.0.2" })).location, "/");
    await expireAll();
    assert.equal((await login(0, "other", "other")).location, "/");
  });

  it("count parallel attempts", async () => {
    const replies = await Promise.all(Array.from({ length: 16 }, (_, n) => login(n, "other", "wrong")));
    const statuses = replies.map(({ status }) => status);
    // On a busy machine, some may be 503.
    assert.ok(statuses.filter((status) => status === 200).length <= 10 && statuses.includes(429), statuses.join());
  });

  it("reset a user's count at a login", async () => {
    for (let n = 0; n < 9; n += 1) await login(n, "other", "wrong");
    assert.equal((await login(1, "other", "other")).location, "/");
    assert.equal((await login(0, "other", "wrong")).status, 200);
  });

  it("refuse an address after a hundred logins with any names, before they check a password", async () => {
    await login(0, "other", "wrong");
    await suite.db("rate_limit").where("key", "like", "login-address:%").update({ points: 100 });
    // MySQL takes this spelling for the same name.
    for (const name of ["test", "øther"]) assert.equal((await login(1, name, "other")).status, 429);
    assert.equal((await login(0, "test", "test", { from: "127.0.0.2" })).location, "/");
  });

  it("refuse registrations from an address after the limit, and not from another", async () => {
    // A form without a name does not count. A name that is taken counts.
    assert.equal((await register(0, "")).status, 200);
    const names = ["test", ...Array.from({ length: 11 }, (_, n) => `new ${String(n)}`)];
    const replies = await Promise.all(names.map((name, n) => register(n, name, { headers: forgedAddress(n) })));
    const refused = replies.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0 && (await suite.db("user").select()).length < 2 + REGISTRATIONS);
    for (const reply of refused) assert.ok(waitOf(reply) > 3580 && waitOf(reply) <= 3600, String(waitOf(reply)));
    assert.equal((await register(1, "from elsewhere", { from: "127.0.0.2" })).location, "/auth/login");
    await expireAll();
    assert.equal((await register(0, "after the hour")).location, "/auth/login");
  });

  it("answer a login alike for existing and unknown names, below and at the limit", async () => {
    const seen = async (name: string, n: number) => {
      const { status, headers, text } = await login(n, name, "wrong");
      const page = text.replaceAll(name, "NAME").replaceAll(/\d+ seconds/g, "");
      return { status, names: [...headers.keys()], page, elements: await elements(text) };
    };
    for (let n = 0; n <= 10; n += 1) {
      const unknown = await seen("nobody", n);
      assert.equal(unknown.status, n < 10 ? 200 : 429);
      assert.deepEqual(await seen("other", n), unknown);
    }
  });

  it("store neither names nor addresses with the counters", async () => {
    await login(0, "other", "wrong");
    for (const key of await suite.db("rate_limit").pluck<string[]>("key")) assert.match(key, /^[a-z-]+:[0-9a-f]{64}$/);
  });
});
