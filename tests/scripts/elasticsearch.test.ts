import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type LogRecord, searchLogs, show } from "../../scripts/lib/elasticsearch.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const record: LogRecord = {
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
  const folder = temporaryFolder();
  const read = (name: string) => readFileSync(join(folder, name), "utf8");

  /** Searches with a curl that stores what it reads, and prints an answer. */
  const search = (answer: unknown) => {
    const script = `#!/bin/sh\necho "$@" >${folder}/arguments; cat >${folder}/body; cat /dev/fd/3 >${folder}/login; cat ${folder}/answer`;
    writeFileSync(join(folder, "curl"), script, { mode: 0o755 });
    writeFileSync(join(folder, "answer"), JSON.stringify(answer));
    const path = `${folder}:${process.env.PATH ?? ""}`;
    const inPod = ["env", `PATH=${path}`, 'ELASTIC_PASSWORD=a "quoted" \\ $word'];
    return searchLogs(inPod, { text: "some words", since: "2h", limit: 7 });
  };

  it("asks for the newest records of the time, and gives them oldest first", () => {
    const hits = ["newest", "older"].map((message) => ({ _source: { ...record, message } }));
    const { total, records } = search({ hits: { total: { value: 9 }, hits } });
    assert.equal(total, 9);
    assert.deepEqual(
      records.map(({ message }) => message),
      ["older", "newest"],
    );
    assert.match(read("arguments"), /http:\/\/localhost:9200\/logs-kubernetes-default\/_search$/m);
    assert.ok(!read("arguments").includes("word$"), "the password is an argument");
    assert.equal(read("login"), 'user = "elastic:a \\"quoted\\" \\\\ $word"\n');
    const { size, query } = JSON.parse(read("body")) as { size: number; query: unknown };
    assert.equal(size, 7);
    const text = JSON.stringify(query);
    assert.match(text, /"gte":"now-2h"/);
    assert.match(text, /"match_phrase":\{"message":"some words"\}/);
    assert.match(text, /"term":\{"url\.path":"some words"\}/);
  });

  it("fails with Elasticsearch's reason, or with that of the command", () => {
    assert.throws(() => search({ error: { reason: "no such index" } }), /refuses the search: no such index/);
    const query = { text: "a", since: "1h", limit: 1 };
    const failing = ["sh", "-c", 'echo "pods not found" >&2; exit 1'];
    assert.throws(() => searchLogs(failing, query), /does not answer\. .*\n.*pods not found/);
    assert.throws(() => searchLogs(["no-such-command"], query), /no-such-command/);
  });

  it("shows when, where and what", () => {
    assert.equal(
      show(record),
      `2026-11-23T10:15:00.123456789+00:00 koa-blog/blog-1 on worker localhost/koa-blog:1
  ERROR request GET /7/update 500 12 ms abc-1
  Error: no
      at a.ts:1`,
    );
    const plain = { "@timestamp": "2026-11-23T10:15:00.1+00:00", message: "plain text", kubernetes: {} };
    assert.equal(show(plain), "2026-11-23T10:15:00.1+00:00 ?/? on ?\n  plain text");
  });
});
