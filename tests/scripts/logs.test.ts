import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { searchLogs, show } from "../../scripts/lib/elasticsearch.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("A search of the logs", () => {
  const record = {
    "@timestamp": "2026-11-23T10:15:00.1+00:00",
    message: "request",
    log: { level: "error" },
    http: { request: { method: "GET", id: "abc-1" }, response: { status_code: 500 } },
    url: { path: "/7/update" },
    error: { stack_trace: "Error: no\n    at a.ts:1" },
    kubernetes: { namespace: "koa-blog", node: { name: "worker" }, pod: { name: "blog-1" } },
  };
  const query = { text: "some words", since: "2h", limit: 7 };
  const folder = temporaryFolder();
  const read = (name: string) => readFileSync(join(folder, name), "utf8");

  /** Searches with a curl that stores what it reads, and prints an answer. */
  const search = (answer: unknown) => {
    const script = `cd ${folder}; echo "$@" >arguments; cat >body; cat /dev/fd/3 >login; cat answer`;
    writeFileSync(join(folder, "curl"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    writeFileSync(join(folder, "answer"), JSON.stringify(answer));
    const path = `${folder}:${process.env.PATH ?? ""}`;
    return searchLogs(["env", `PATH=${path}`, 'ELASTIC_PASSWORD=a "quoted" \\ $word'], query);
  };

  it("finds the newest records of the time, oldest first, and hides the password from the process list", () => {
    const hits = ["newest", "older"].map((message) => ({ _source: { ...record, message } }));
    const { total, records } = search({ hits: { total: { value: 9 }, hits } });
    assert.deepEqual([total, ...records.map(({ message }) => message)], [9, "older", "newest"]);
    assert.doesNotMatch(read("arguments"), /word$/m);
    assert.equal(read("login"), 'user = "elastic:a \\"quoted\\" \\\\ $word"\n');
    const body = read("body");
    assert.match(body, /^\{"size":7,"sort":\[\{"@timestamp":"desc"\}\],.*"gte":"now-2h"/);
    assert.match(body, /"match_phrase":\{"message":"some words"\}.*"term":\{"url\.path":"some words"\}/);
    assert.match(
      show(record),
      /koa-blog\/blog-1 on worker\n {2}ERROR request GET \/7\/update 500 abc-1\n {2}Error: no\n/,
    );
  });

  it("fails with Elasticsearch's reason, or with that of the command", () => {
    assert.throws(() => search({ error: { reason: "no such index" } }), /refuses the search: no such index/);
    const failing = ["sh", "-c", 'echo "pods not found" >&2; exit 1'];
    assert.throws(() => searchLogs(failing, query), /does not answer\. .*\n.*pods not found/);
  });
});
