import assert from "node:assert/strict";

import { createLogger } from "../../service/log.ts";
import type { BulkServer, LogDocument } from "./elasticsearch.ts";
import { cri, criParts, dockerLines, type FluentdNode, password, until, useFluentd } from "./fluentd.ts";
import { traces } from "./traces.ts";

const uid = "0b1ac6a9-4b0e-4d0e-9b4c-0b6b7a5f3c11";
const file = `koa-blog_blog-7f9c_${uid}/blog/0.log`;

describe("Fluentd with the stack's configuration", function () {
  const pipeline = useFluentd();
  let elasticsearch: BulkServer;
  let node: FluentdNode;
  const documents = () => [...elasticsearch.documents.values()];
  const messages = () => documents().map(({ message }) => message);

  /** Waits for the document that has the text in its message. */
  const arrival = async (text: string, seconds = 20): Promise<LogDocument> => {
    const find = () => documents().find(({ message }) => message.includes(text));
    await until(() => find() !== undefined, seconds);
    const found = find();
    assert.ok(found, `no "${text}" within ${String(seconds)} s:\n${node.logs().slice(-3000)}`);
    return found;
  };

  before(() => {
    ({ elasticsearch, node } = pipeline);
    // Not from cri(), because its times depend on the other test files of this process.
    node.append(file, "2026-11-23T10:14:00.000001000Z stdout F the first line\n");
    node.start();
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
      "@timestamp": "2026-11-23T10:14:00.000001000+00:00",
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

  it("keeps the names of a line with fields of the Elastic Common Schema, as the blog logs them", async () => {
    const error = { type: "Error", code: "DATABASE", message: "connect", stack_trace: "Error: connect\n    at a.ts:1" };
    const http = { request: { method: "GET", id: "abc-1" }, response: { status_code: 500 } };
    const line = {
      "log.level": "error",
      "@timestamp": "2026-11-23T10:14:59.999Z",
      "ecs.version": "8.10.0",
      client: { ip: "203.0.113.7" },
      user: { id: "5" },
      http,
      labels: { route: "/:id/update" },
      url: { path: "/7/update" },
      event: { duration: 12_000_000, id: "not the pipeline's" },
      error,
      deleted: 3,
      message: "a request of the blog",
    };
    node.append(file, cri(JSON.stringify(line)));
    const { kubernetes, ...document } = await arrival("a request of the blog");
    assert.equal(kubernetes.pod.name, "blog-7f9c");
    assert.deepEqual(document, {
      "@timestamp": document["@timestamp"],
      message: "a request of the blog",
      stream: "stdout",
      log: { level: "error" },
      client: { ip: "203.0.113.7" },
      user: { id: "5" },
      labels: { route: "/:id/update" },
      event: { id: document.event.id, duration: 12_000_000 },
      url: { path: "/7/update" },
      http,
      error,
      json: { deleted: 3 },
    });
    assert.match(document["@timestamp"], /^2026-11-23T10:15:00\.0/);
    assert.match(document.event.id, /^[\w+/=]{40,}$/);
  });

  it("takes a line of the blog's logger to those names", async () => {
    const lines: string[] = [];
    const log = createLogger("info", { write: (line) => void lines.push(line) });
    log.warn({ error: { code: "CODE" }, rows: 7 }, "logged by the blog");
    node.append(file, cri((lines[0] ?? "").trimEnd()));
    const { message, log: level, error, json } = await arrival("logged by the blog");
    assert.deepEqual(
      { message, level, error, json },
      { message: "logged by the blog", level: { level: "warn" }, error: { code: "CODE" }, json: { rows: 7 } },
    );
  });

  it("keeps every field of other pods' JSON, of whatever type, below a name that cannot clash", async () => {
    const fields = {
      level: "info",
      time: { seconds: 1 },
      "@timestamp": 17,
      pid: "seven",
      hostname: ["a", "b"],
      err: "text",
      error: { message: { an: "object" } },
      http: 1,
      event: "started",
      url: [],
      kubernetes: "mine",
      id: 4,
      ecs: {},
      stream: "none",
    };
    node.append(file, cri(JSON.stringify({ ...fields, msg: "of another pod" })));
    const { json, log, kubernetes, event, stream, ...document } = await arrival("of another pod");
    assert.deepEqual(json, fields);
    assert.deepEqual(log, { level: "info" });
    assert.equal(kubernetes.pod.name, "blog-7f9c");
    assert.equal(stream, "stdout");
    assert.deepEqual(Object.keys(event), ["id"]);
    assert.deepEqual(Object.keys(document).sort(), ["@timestamp", "message"]);
  });

  it("loses nothing of a line that claims the Elastic Common Schema and does not keep to it", async () => {
    for (const [name, value] of Object.entries({ event: "text", log: "text", error: 5 })) {
      elasticsearch.refuse = (document) =>
        [document.log, document.error].some((field) => field !== undefined && typeof field !== "object")
          ? 400
          : undefined;
      const line = { "ecs.version": "8.17.0", message: `claims ${name}`, [name]: value };
      node.append(file, cri(JSON.stringify(line)));
      const { tags, event, kubernetes } = await arrival(`claims ${name}`);
      assert.deepEqual(tags, ["rejected"]);
      assert.match(event.original ?? "", new RegExp(`claims ${name}`));
      assert.equal(kubernetes.pod.name, "blog-7f9c");
    }
    elasticsearch.refuse = () => undefined;
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

  it("reads the files of Docker's runtime, which are links to JSON with parts of long lines", async () => {
    const linked = `koa-blog_of-docker_${uid}/app/0.log`;
    const long = `docker's long line ${"äöü\t".repeat(7000)} its end`;
    const lines = ['docker\'s "first" line', long, " ", '{"level":"warn","msg":"docker\'s JSON"}'];
    node.appendDocker(linked, lines.map((line) => dockerLines(line)).join("") + dockerLines("on stderr", "stderr"));
    const { "@timestamp": time, event, ...document } = await arrival("on stderr");
    assert.match(time, /^2026-11-23T10:15:00\.\d{9}\+00:00$/);
    assert.match(event.id, /^[\w+/=]{40,}$/);
    assert.deepEqual(document, {
      message: "on stderr",
      stream: "stderr",
      kubernetes: {
        namespace: "koa-blog",
        pod: { name: "of-docker", uid },
        node: { name: "node-1" },
        container: { name: "app" },
      },
    });
    assert.deepEqual(
      messagesOf("of-docker", "app").sort(),
      ["on stderr", ...lines.slice(0, 3), "docker's JSON"].sort(),
    );
    assert.deepEqual((await arrival("docker's JSON")).log, { level: "warn" });
    node.appendDocker(linked, dockerLines("docker's next line"));
    await arrival("docker's next line");
  });

  const containerOf = (language: string) => language.replace(/\W+/g, "-").toLowerCase();
  const write = (pod: string, container: string, text: string) => {
    const lines = text.split("\n").map((line) => cri(line, { stream: "stderr" }));
    node.append(`koa-blog_${pod}_${uid}/${container}/0.log`, lines.join(""));
  };
  const messagesOf = (pod: string, container: string) =>
    documents()
      .filter(({ kubernetes }) => kubernetes.pod.name === pod && kubernetes.container.name === container)
      .map(({ message }) => message);

  for (const [language, trace] of Object.entries(traces)) {
    it(`makes one record of a stack trace in ${language}, and none of the lines around it`, async () => {
      const lines = [`INFO: before ${language}`, trace, `INFO: after ${language}`];
      write("amid-lines", containerOf(language), lines.join("\n"));
      await arrival(`INFO: after ${language}`);
      assert.deepEqual(messagesOf("amid-lines", containerOf(language)).sort(), lines.sort());
    });
  }

  it("makes one record of each stack trace that is a container's last words", async () => {
    for (const [language, trace] of Object.entries(traces)) write("last-words", containerOf(language), trace);
    for (const [language, trace] of Object.entries(traces)) {
      await until(() => messagesOf("last-words", containerOf(language)).join("").length >= trace.length);
      assert.deepEqual(messagesOf("last-words", containerOf(language)), [trace]);
    }
  });

  it("makes as many records as there are stack traces, one after the other", async () => {
    const texts = [traces.Python, traces.Java, traces.Python, traces.Go, traces["Node.js"], "the end of the traces"];
    write("many-traces", "app", texts.join("\n"));
    await arrival("the end of the traces");
    assert.deepEqual(messagesOf("many-traces", "app").sort(), texts.sort());
  });

  it("joins no line of JSON to the stack trace before it", async () => {
    const line = JSON.stringify({ msg: "Error: in JSON", error: "Exception" });
    write("json-lines", "app", `Error: text\n    at a\n${line}`);
    assert.deepEqual((await arrival("Error: in JSON")).json, { error: "Exception" });
    assert.deepEqual(messagesOf("json-lines", "app"), ["Error: text\n    at a", "Error: in JSON"]);
  });

  for (const line of ["[]", '[{"msg":"one"},{"msg":"two"}]', '"a string"', "42", "null", "{ not JSON", "{}"]) {
    it(`makes one record of ${line}, which is no object with fields`, async () => {
      const last = `after ${line}`;
      node.append(file, cri(line) + cri(last));
      await arrival(last);
      assert.equal(messages().filter((message) => message === line).length, 1);
      assert.ok(!messages().includes("one"));
    });
  }

  for (const depth of [100, 101, 100_000]) {
    it(`keeps a line of JSON with ${String(depth)} levels as text, and reads the next one`, async () => {
      const pod = `nested-${String(depth)}`;
      const nested = `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
      // Like Elasticsearch, whose fields of the type "flattened" have at most 20 levels.
      elasticsearch.refuse = ({ json, tags }) => (!tags && json?.a ? 400 : undefined);
      node.append(`koa-blog_${pod}_${uid}/app/0.log`, criParts(nested) + cri(`after ${pod}`));
      await arrival(`after ${pod}`);
      await until(() => messagesOf(pod, "app").length === 2);
      assert.deepEqual(messagesOf(pod, "app").sort(), [`after ${pod}`, nested]);
      elasticsearch.refuse = () => undefined;
    });
  }

  it("loses nothing of a number that JSON cannot hold", async () => {
    node.append(file, cri('{"msg":"a large number","number":1e400}'));
    assert.deepEqual((await arrival("a large number")).tags, ["rejected"]);
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

  it("takes what is not as expected: an empty line, JSON of other types, no UTF-8, no line of the runtime", async () => {
    node.append(file, cri(""));
    node.append(file, cri(JSON.stringify({ message: { an: "object" } })));
    node.append(file, Buffer.concat([Buffer.from(cri("bytes:").trimEnd()), Buffer.from([0xff, 0xfe, 0x0a])]));
    node.append(file, "what the runtime never writes\n");
    node.append(file, cri("the line after them"));
    await arrival("the line after them");
    await arrival("what the runtime never writes");
    const object = '{"message":{"an":"object"}}';
    for (const message of ["", "bytes:��", object]) {
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
    node.append(file, cri(JSON.stringify({ msg: "no clash", fine: 1 })));
    const { tags, event, kubernetes } = await arrival("clash two");
    assert.deepEqual(tags, ["rejected"]);
    assert.deepEqual((JSON.parse(event.original ?? "") as LogDocument).json, { clash: "two" });
    assert.equal(kubernetes.pod.name, "blog-7f9c");
    assert.equal((await arrival("clash one")).tags?.[0], "rejected");
    assert.deepEqual((await arrival("no clash")).json, { fine: 1 });
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
  const writeLines = (lines: string[], path = file) => {
    node.append(path, lines.map((line) => cri(line)).join(""));
  };
  const assertOnce = async (prefix: string, count: number) => {
    await arrival(`${prefix} ${String(count - 1)}`, 60);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const found = messages().filter((message) => message.startsWith(`${prefix} `));
    assert.deepEqual(found.sort(), numbers(prefix, 0, count).sort());
  };

  it("loses and doubles nothing when it is killed while Elasticsearch is away", async () => {
    elasticsearch.status = 503;
    writeLines(numbers("killed", 0, 3000));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    writeLines(numbers("killed", 3000, 4000));
    node.kill();
    writeLines(numbers("killed", 4000, 5000));
    node.start();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    elasticsearch.status = 200;
    await assertOnce("killed", 5000);
  });

  it("loses nothing of what was written and rotated while it was stopped", async () => {
    writeLines(numbers("rotated", 0, 1000));
    await node.stop();
    writeLines(numbers("rotated", 1000, 2000));
    node.rotate(file);
    writeLines(numbers("rotated", 2000, 3000));
    node.start();
    await assertOnce("rotated", 3000);
  });

  it("reads all of a new file that got the inode of a deleted one while it was stopped", async () => {
    const [deleted, created] = ["a-deleted-pod", "a-new-pod"].map((pod) => `koa-blog_${pod}_${uid}/blog/0.log`);
    assert.ok(deleted !== undefined && created !== undefined);
    node.append(deleted, cri("of the deleted pod"));
    await arrival("of the deleted pod");
    await node.stop();
    node.reuseInode(
      deleted,
      created,
      numbers("new-file", 0, 100)
        .map((line) => cri(line))
        .join(""),
    );
    node.start();
    await assertOnce("new-file", 100);
  });

  it("reads to its end the log of a pod that is deleted", async () => {
    const pod = `koa-blog_leaving_${uid}`;
    node.append(`${pod}/blog/0.log`, cri("the pod is there"));
    await arrival("the pod is there");
    writeLines(numbers("leaving", 0, 500), `${pod}/blog/0.log`);
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
    // The kill interrupted the writing or deletion of a chunk. The tests above assert that its lines arrive.
    const ofTheKill = /found broken chunk file during resume|failed to purge buffer chunk .*\.meta>$/;
    // Backtrace lines are indented, and left out.
    const failures = logs
      .split("\n")
      .filter((line) => /^\S.*(\[(error|fatal)\]|NoMethodError|unexpected error)/.test(line));
    assert.deepEqual(
      failures.filter((line) => !ofTheKill.test(line)),
      [],
    );
  });
});
