import assert from "node:assert/strict";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

import { type LogRecord, searchLogs, show } from "../../scripts/lib/logSearch.ts";
import { listen } from "../listen.ts";

const request: LogRecord = {
  "@timestamp": "2026-11-23T10:15:00.123456789+00:00",
  message: "request",
  log: { level: "error" },
  http: { request: { method: "GET", id: "abc-1" }, response: { status_code: 500 } },
  url: { path: "/7/update" },
  event: { duration: 12_000_000 },
  error: { stack_trace: "Error: no\n    at a.ts:1" },
  container: { image: { name: "localhost/koa-blog:1" } },
  kubernetes: { namespace: "koa-blog", node: { name: "worker" }, pod: { name: "blog-1" } },
};

describe("A search of the logs", () => {
  let port: number;
  let asked: { url: string; authorization: string | undefined; body: { size: number; query: unknown } };
  let answer: { status: number; body: unknown };

  const server = createServer(async (incoming, response) => {
    const { authorization } = incoming.headers;
    asked = { url: incoming.url ?? "", authorization, body: (await json(incoming)) as typeof asked.body };
    response.writeHead(answer.status).end(JSON.stringify(answer.body));
  });
  before(async () => {
    port = await listen(server);
  });

  after(() => server.close());

  const search = () =>
    searchLogs(`http://127.0.0.1:${String(port)}`, "a password", { text: "some words", since: "2h", limit: 7 });

  it("asks for the newest records of the time, and gives them oldest first", async () => {
    const hits = ["newest", "older"].map((message) => ({ _source: { ...request, message } }));
    answer = { status: 200, body: { hits: { total: { value: 9 }, hits } } };
    const { total, records } = await search();
    assert.equal(total, 9);
    assert.deepEqual(
      records.map(({ message }) => message),
      ["older", "newest"],
    );
    assert.equal(asked.url, "/logs-kubernetes-default/_search");
    assert.equal(asked.authorization, `Basic ${Buffer.from("elastic:a password").toString("base64")}`);
    assert.equal(asked.body.size, 7);
    const query = JSON.stringify(asked.body.query);
    assert.match(query, /"gte":"now-2h"/);
    assert.match(query, /"match_phrase":\{"message":"some words"\}/);
    assert.match(query, /"term":\{"url\.path":"some words"\}/);
  });

  it("fails with the reason that Elasticsearch gives", async () => {
    answer = { status: 404, body: { error: { reason: "no such index" }, status: 404 } };
    await assert.rejects(search(), /Elasticsearch answered 404: no such index/);
  });

  it("shows when, where and what", () => {
    assert.equal(
      show(request),
      `2026-11-23T10:15:00.123456789+00:00 koa-blog/blog-1 on worker localhost/koa-blog:1
  ERROR request GET /7/update 500 12 ms abc-1
  Error: no
      at a.ts:1`,
    );
    const plain = { "@timestamp": "2026-11-23T10:15:00.1+00:00", message: "plain text", kubernetes: {} };
    assert.equal(show(plain), "2026-11-23T10:15:00.1+00:00 ?/? on ?\n  plain text");
  });
});
