import assert from "node:assert/strict";

import type { Client, Reply } from "../client.ts";
import { type RunningBlog, useBlog } from "../service/blog.ts";

const REGISTRATIONS = 5;

describe("Two replicas of the blog", () => {
  const suite = useBlog({ REGISTRATIONS_PER_HOUR: REGISTRATIONS });
  let replicas: RunningBlog[];

  beforeEach(async () => {
    replicas = [suite.blog, await suite.startAnother({ REGISTRATIONS_PER_HOUR: REGISTRATIONS })];
  });

  /** A client of one of the replicas in turn. */
  function clientOf(n: number, address = "127.0.0.1"): Client {
    const client = replicas[n % 2]?.client() ?? assert.fail();
    client.localAddress = address;
    return client;
  }

  const login = (client: Client, username: string, headers = {}) =>
    client.post("/auth/login", { username, password: "wrong" }, { headers });
  const register = (client: Client, username: string, headers = {}) =>
    client.post("/auth/register", { username, password: "x" }, { headers });

  type Attempt = (client: Client, n: number, headers?: object) => Promise<Reply>;
  const limits: [attempts: string, limit: number, seconds: number, attempt: Attempt][] = [
    ["wrong passwords for one name", 10, 300, (client, _n, headers) => login(client, "other", headers)],
    ["logins with many names", 100, 300, (client, n, headers) => login(client, `name ${String(n)}`, headers)],
    ["registrations", REGISTRATIONS, 3600, (client, n, headers) => register(client, `new ${String(n)}`, headers)],
  ];
  for (const [attempts, limit, seconds, attempt] of limits) {
    it(`together limit ${attempts} from one address, also at once and with forged addresses`, async () => {
      const forged = (n: number) => ({ "X-Forwarded-For": `10.0.0.${String(n)}`, "X-Real-IP": `10.0.0.${String(n)}` });
      assert.notEqual((await attempt(clientOf(0), 0)).status, 429);
      // Ninety password hashes would take seconds.
      const counted = Math.max(1, limit - 9);
      await suite.db("rate_limit").where("points", 1).update({ points: counted });
      const atOnce = Array.from({ length: 15 }, (_, n) => attempt(clientOf(n), n + 1, forged(n)));
      const allowed = (await Promise.all(atOnce)).filter(({ status }) => status < 400);
      assert.ok(allowed.length <= limit - counted, `${String(allowed.length)} were allowed`);
      // A busy machine answers some with 503.
      let last = await attempt(clientOf(0), 16, forged(16));
      for (let n = 17; last.status !== 429 && n < 30; n += 1) last = await attempt(clientOf(n), n, forged(n));
      assert.equal(last.status, 429);
      const wait = Number(last.headers.get("retry-after"));
      assert.ok(wait > seconds - 60 && wait <= seconds, String(wait));
      assert.notEqual((await attempt(clientOf(1, "127.0.0.2"), 31)).status, 429, "another address");
    });
  }

  it("answer a login with an unknown name like one with a wrong password, and as late", async () => {
    // Hashes of Flask's tests are faster. A login replaces them.
    assert.equal((await clientOf(0).login("other", "other")).location, "/");
    const seen = async (name: string) => {
      const start = performance.now();
      const { status, headers, text } = await login(suite.client, name);
      const page = text.replaceAll(name, "NAME").replaceAll(/\d+ seconds/g, "");
      return { ms: performance.now() - start, answer: { status, names: [...headers.keys()], page } };
    };
    const fastest = async (name: string) => {
      const attempts = [await seen(name), await seen(name), await seen(name)];
      return Math.min(...attempts.map(({ ms }) => ms));
    };
    assert.deepEqual((await seen("nobody")).answer, (await seen("other")).answer);
    const [unknown, existing] = [await fastest("nobody"), await fastest("other")];
    assert.ok(unknown > existing / 2, `${String(unknown)} ms and ${String(existing)} ms`);
    await suite.db("rate_limit").where("key", "like", "login:%").update({ points: 10 });
    const refused = await seen("nobody");
    assert.equal(refused.answer.status, 429);
    assert.deepEqual(refused.answer, (await seen("other")).answer);
  });
});
