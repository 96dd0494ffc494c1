import assert from "node:assert/strict";

import { BulkServer, type LogDocument } from "./elasticsearch.ts";
import { cri, criParts, fluentdImage, FluentdNode, hasFluentd, password } from "./fluentd.ts";

const uid = "0b1ac6a9-4b0e-4d0e-9b4c-0b6b7a5f3c11";
const file = `koa-blog_blog-7f9c_${uid}/blog/0.log`;

describe("Fluentd with the stack's configuration", function () {
  let elasticsearch: BulkServer;
  let node: FluentdNode;
  const documents = () => [...elasticsearch.documents.values()];
  const messages = () => documents().map(({ message }) => message);

  /** Waits for the document that has the text in its message. */
  const arrival = async (text: string, seconds = 20): Promise<LogDocument> => {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const found = documents().find(({ message }) => message.includes(text));
      if (found) return found;
      if (Date.now() > end) assert.fail(`no "${text}" within ${String(seconds)} s:\n${node.logs().slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  before(async function () {
    if (!hasFluentd()) {
      console.log(`      skipped: the Docker engine has no ${fluentdImage}; TEST_FLUENTD_IMAGE names another`);
      this.skip();
    }
    elasticsearch = new BulkServer();
    node = new FluentdNode(await elasticsearch.listen());
    node.append(file, cri("the first line"));
    node.start();
  });

  after(() => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is none if the tests are skipped
    node?.remove();
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
    elasticsearch?.close();
  });

  it("is a configuration that Fluentd accepts, and whose password it does not show", () => {
    const { status, output } = node.dryRun();
    assert.equal(status, 0, output);
    assert.match(output, /finished dry run mode/);
    assert.ok(!output.includes(password));
  });

  it("says of each record which pod, container and node it is from", async () => {
    const document = await arrival("the first line", 60);
    assert.deepEqual(document, {
      "@timestamp": "2026-11-23T10:15:00.000001000+00:00",
      message: "the first line",
      stream: "stdout",
      event: { id: document.event.id },
      kubernetes: {
        namespace: "koa-blog",
        pod: { name: "blog-7f9c", uid },
        node: { name: "node-1" },
        container: { name: "blog" },
      },
    });
    assert.deepEqual([...elasticsearch.requests], [`POST /_bulk koa-blog-fluentd:${password}`]);
  });

  it("lifts the fields of the blog's lines, under the names of the Elastic Common Schema", async () => {
    const err = { type: "Error", code: "ECONNREFUSED", message: "connect", stack: "Error: connect\n    at a.ts:1" };
    const line = {
      level: "error",
      time: "2026-11-23T10:14:59.999Z",
      pid: 1,
      hostname: "blog-7f9c",
      requestId: "abc-1",
      method: "GET",
      route: "/:id/update",
      path: "/7/update",
      status: 500,
      durationMs: 12,
      code: "DATABASE",
      err,
      deleted: 3,
      msg: "a request of the blog",
    };
    node.append(file, cri(JSON.stringify(line)));
    const { kubernetes, ...document } = await arrival("a request of the blog");
    assert.equal(kubernetes.pod.name, "blog-7f9c");
    assert.deepEqual(document, {
      "@timestamp": document["@timestamp"],
      message: "a request of the blog",
      stream: "stdout",
      log: { level: "error" },
      event: { id: document.event.id, duration: 12_000_000 },
      url: { path: "/7/update" },
      http: { route: "/:id/update", request: { method: "GET", id: "abc-1" }, response: { status_code: 500 } },
      error: { code: "DATABASE", type: "Error", message: "connect", stack_trace: "Error: connect\n    at a.ts:1" },
      json: { deleted: 3 },
    });
    assert.match(document["@timestamp"], /^2026-11-23T10:15:00\.0/);
  });

  it("makes one record of a line of 40 KB, in text and in JSON", async () => {
    const long = `long line ${"äöü".repeat(7000)} its end`;
    node.append(file, criParts(long) + criParts(JSON.stringify({ msg: `in JSON: ${long}` })));
    assert.equal((await arrival("in JSON: long line")).message, `in JSON: ${long}`);
    assert.deepEqual(
      messages().filter((message) => message.startsWith("long line")),
      [long],
    );
  });

  it("makes one record of a stack trace, and none of the lines around it", async () => {
    const frames = Array.from({ length: 29 }, (_, line) => `    at frame${String(line)} (file.js:${String(line)}:1)`);
    const trace = ["TypeError: something is undefined", ...frames].join("\n");
    const java =
      "java.lang.IllegalStateException: no\n\tat A.a(A.java:1)\nCaused by: B: why\n\tat B.b(B.java:2)\n\t... 3 more";
    const text = ["line before", ...trace.split("\n"), "line after", ...java.split("\n")];
    node.append(file, text.map((line) => cri(line, { stream: "stderr" })).join(""));
    assert.equal((await arrival("IllegalStateException")).message, java);
    assert.equal((await arrival("something is undefined")).message, trace);
    assert.equal((await arrival("line after")).stream, "stderr");
    assert.ok(messages().includes("line before"));
    assert.equal(messages().filter((message) => message.includes("frame7")).length, 1);
  });

  it("keeps the lines of two streams and two containers apart", async () => {
    const other = `koa-blog_mysql-0_${uid}/mysql/0.log`;
    node.append(file, cri("begins on stdout, ", { tag: "P" }));
    node.append(other, cri("a part of another pod, ", { tag: "P" }));
    node.append(file, cri("whole on stderr", { stream: "stderr" }) + cri("ends on stdout"));
    node.append(other, cri("which ends there"));
    assert.equal((await arrival("ends on stdout")).message, "begins on stdout, ends on stdout");
    assert.equal((await arrival("which ends there")).message, "a part of another pod, which ends there");
    assert.equal((await arrival("whole on stderr")).message, "whole on stderr");
  });

  it("takes what is not as expected: no JSON, JSON of other types, no UTF-8, no line of the runtime", async () => {
    const odd = {
      msg: "odd types",
      level: { a: 1 },
      status: "late",
      durationMs: "12 ms",
      err: "text",
      time: { b: 2 },
      path: 7,
    };
    node.append(file, cri("{ not JSON") + cri("[1, 2]") + cri("42") + cri('"a string"') + cri(""));
    node.append(file, cri(JSON.stringify(odd)) + cri(JSON.stringify({ message: { an: "object" } })));
    node.append(file, Buffer.concat([Buffer.from(cri("bytes:").trimEnd()), Buffer.from([0xff, 0xfe, 0x0a])]));
    node.append(file, "what the runtime never writes\n");
    node.append(file, cri("the line after them"));
    await arrival("the line after them");
    const { json, log, http, event, error, url } = await arrival("odd types");
    assert.deepEqual(json, { level: { a: 1 }, status: "late", durationMs: "12 ms", err: "text", path: 7 });
    assert.deepEqual(
      { log, http, error, url, duration: event.duration },
      {
        log: undefined,
        http: undefined,
        error: undefined,
        url: undefined,
        duration: undefined,
      },
    );
    await arrival("what the runtime never writes");
    for (const message of ["{ not JSON", "[1, 2]", "42", '"a string"', "", "bytes:��", '{"message":{"an":"object"}}']) {
      assert.equal(messages().filter((candidate) => candidate === message).length, 1, JSON.stringify(message));
    }
  });

  it("leaves out the logs of its own namespace", async () => {
    node.append(`logging_fluentd-x_${uid}/fluentd/0.log`, cri("of the logging namespace"));
    node.append(`logging-of-others_app_${uid}/app/0.log`, cri("of a namespace with a similar name"));
    await arrival("a similar name");
    assert.ok(!messages().includes("of the logging namespace"));
  });

  it("keeps two equal lines of the same pod apart, and does not take a line twice", async () => {
    const twice = cri("said twice") + cri("said twice");
    node.append(file, twice);
    await arrival("said twice");
    node.append(file, `${twice}${cri("after the repetition")}`);
    await arrival("after the repetition");
    assert.equal(messages().filter((message) => message === "said twice").length, 2);
    assert.deepEqual(
      elasticsearch.duplicates.filter((message) => message === "said twice"),
      ["said twice", "said twice"],
    );
  });

  it("hands over as text what Elasticsearch refuses, and the others as they are", async () => {
    elasticsearch.refuse = ({ tags, json }) => (!tags && json?.clash ? 400 : undefined);
    node.append(file, ["one", "two"].map((clash) => cri(JSON.stringify({ msg: `clash ${clash}`, clash }))).join(""));
    node.append(file, cri(JSON.stringify({ msg: "no clash", status: 200 })));
    const { tags, event, kubernetes } = await arrival("clash two");
    assert.deepEqual(tags, ["rejected"]);
    assert.deepEqual((JSON.parse(event.original ?? "") as LogDocument).json, { clash: "two" });
    assert.equal(kubernetes.pod.name, "blog-7f9c");
    assert.equal((await arrival("clash one")).tags?.[0], "rejected");
    assert.deepEqual((await arrival("no clash")).http, { response: { status_code: 200 } });
  });

  it("sends again what Elasticsearch has no room for", async () => {
    let refusals = 0;
    elasticsearch.refuse = ({ message }) => (message === "no room" && (refusals += 1) <= 3 ? 429 : undefined);
    node.append(file, cri("no room") + cri("room enough"));
    const { tags } = await arrival("no room");
    assert.equal(tags, undefined);
    assert.equal(refusals, 4);
    assert.ok(messages().includes("room enough"));
  });

  it("waits for Elasticsearch when it fails, refuses the password or does not answer", async () => {
    for (const status of [500, 503, 401, 413]) {
      elasticsearch.status = status;
      node.append(file, cri(`while the answer is ${String(status)}`));
      await new Promise((resolve) => setTimeout(resolve, 2500));
      elasticsearch.status = 200;
      await arrival(`while the answer is ${String(status)}`);
    }
  });

  const numbers = (prefix: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `${prefix} ${String(from + index)}`);
  const write = (lines: string[]) => {
    node.append(file, lines.map((line) => cri(line)).join(""));
  };
  const assertOnce = async (prefix: string, count: number) => {
    await arrival(`${prefix} ${String(count - 1)}`, 60);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const found = messages().filter((message) => message.startsWith(`${prefix} `));
    assert.deepEqual(found.sort(), numbers(prefix, 0, count).sort());
  };

  it("loses and doubles nothing when it is killed while Elasticsearch is away", async () => {
    elasticsearch.status = 503;
    write(numbers("killed", 0, 3000));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    write(numbers("killed", 3000, 4000));
    node.kill();
    write(numbers("killed", 4000, 5000));
    node.start();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    elasticsearch.status = 200;
    await assertOnce("killed", 5000);
  });

  it("loses nothing of what was written and rotated while it was stopped", async () => {
    write(numbers("rotated", 0, 1000));
    await node.stop();
    write(numbers("rotated", 1000, 2000));
    node.rotate(file);
    write(numbers("rotated", 2000, 3000));
    node.start();
    await assertOnce("rotated", 3000);
  });

  it("reads to its end the log of a pod that is deleted", async () => {
    const pod = `koa-blog_leaving_${uid}`;
    node.append(`${pod}/blog/0.log`, cri("the pod is there"));
    await arrival("the pod is there");
    node.append(
      `${pod}/blog/0.log`,
      numbers("leaving", 0, 500)
        .map((line) => cri(line))
        .join(""),
    );
    node.deletePod(pod);
    await assertOnce("leaving", 500);
  });

  it("hands over the trace that it is putting together when it is stopped", async () => {
    node.append(file, cri("Error: the last words") + cri("    at the end"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await node.stop();
    node.start();
    assert.equal((await arrival("the last words")).message, "Error: the last words\n    at the end");
  });

  it("writes no password and no failure of its own into its log", () => {
    const logs = node.logs();
    assert.ok(!logs.includes(password));
    // A chunk that was being written when Fluentd was killed: its lines are read again, as the tests above have seen.
    const ofTheKill = "found broken chunk file during resume";
    const failures = logs.split("\n").filter((line) => /\[(error|fatal)\]|NoMethodError|unexpected error/.test(line));
    assert.deepEqual(
      failures.filter((line) => !line.includes(ofTheKill)),
      [],
    );
  });
});
