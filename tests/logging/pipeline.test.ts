import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { temporaryFolder } from "../temporaryFolder.ts";
import { BulkServer, type LogDocument } from "./elasticsearch.ts";
import { cri, criLines, FluentdNode, password, skipWithoutImage, uidOf, until } from "./fluentd.ts";
import { hardLines, rows } from "./rows.ts";

/** Long messages as their beginning, length and hash, so that a failure is readable. */
const short = (message: string) =>
  message.length < 500
    ? message
    : `${message.slice(0, 40)}… ${String(message.length)} ${createHash("sha256").update(message).digest("hex")}`;

/** The fields of a document, except those of its source. */
function fieldsOf({ message, event, ...document }: LogDocument): Record<string, unknown> {
  const ofSource = ["@timestamp", "kubernetes", "container", "stream"];
  const fields = Object.entries(document).filter(([name]) => !ofSource.includes(name));
  const ownEvent = Object.entries(event).filter(([name]) => name !== "id" && name !== "original");
  const hasEvent = ownEvent.length > 0;
  return {
    ...Object.fromEntries(fields),
    message: short(message),
    ...(hasEvent && { event: Object.fromEntries(ownEvent) }),
  };
}

const labels = { app: "blog", "app.kubernetes.io/name": "koa-blog" };
const image = "localhost:5001/koa-blog:1";

const apiList = { metadata: { resourceVersion: "1" }, items: [] };

/** The API server's answers to the metadata filter, except those about pods. */
const apiAnswers: Record<string, unknown> = {
  "/api": { versions: ["v1"] },
  "/api/v1": {
    resources: [
      { name: "pods", kind: "Pod", namespaced: true, verbs: ["get", "list"] },
      { name: "namespaces", kind: "Namespace", namespaced: false, verbs: ["get", "list"] },
    ],
  },
  "/api/v1/pods": apiList,
  "/api/v1/namespaces": apiList,
  "/api/v1/namespaces/koa-blog": { metadata: { uid: "1", creationTimestamp: "2026-01-01T00:00:00Z" } },
  "/api/v1/namespaces/logging-of-others": { metadata: { uid: "2", creationTimestamp: "2026-01-01T00:00:00Z" } },
};

/** The API server's answer for each pod of the namespace `koa-blog`, except the pod "deleted". */
const apiPod = (name: string) => ({
  metadata: { name, namespace: "koa-blog", uid: uidOf(name), labels },
  spec: { nodeName: "node-1" },
  status: { containerStatuses: [{ name: "app", image, imageID: "1", containerID: "containerd://4f5e" }] },
});

/** Starts an API server with a certificate. Returns the options of `docker run` for it, too. */
async function startApiServer(): Promise<{ apiServer: Server; options: string[] }> {
  const folder = temporaryFolder();
  const names = ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=DNS:host.docker.internal"];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.crt", ...names];
  execFileSync("openssl", request, { cwd: folder, stdio: "ignore" });
  writeFileSync(join(folder, "token"), "a token");
  chmodSync(folder, 0o755);
  const tls = { key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "ca.crt")) };
  const apiServer = createServer(tls, ({ url = "" }, response) => {
    const { pathname } = new URL(url, "https://host");
    const isWatch = pathname.startsWith("/api/v1/watch/");
    const [, pod = "deleted"] = /^\/api\/v1\/namespaces\/koa-blog\/pods\/(.+)$/.exec(pathname) ?? [];
    const answer = apiAnswers[pathname] ?? (pod === "deleted" ? undefined : apiPod(pod));
    response.writeHead(isWatch || answer ? 200 : 404, { "content-type": "application/json" });
    // A watch stays open without events.
    if (isWatch) response.flushHeaders();
    else response.end(JSON.stringify(answer ?? { kind: "Status", code: 404 }));
  });
  await new Promise<void>((resolve) => apiServer.listen(0, resolve));
  const port = String((apiServer.address() as AddressInfo).port);
  const options = [
    ...["--volume", `${folder}:/var/run/secrets/kubernetes.io/serviceaccount:ro`],
    ...["--env", "KUBERNETES_SERVICE_HOST=host.docker.internal", "--env", `KUBERNETES_SERVICE_PORT=${port}`],
  ];
  return { apiServer, options };
}

describe("Fluentd with the memory of its pod", () => {
  const elasticsearch = new BulkServer();
  let apiServer: Server | undefined;
  let node: FluentdNode;

  const podOf = (index: number) => `row-${String(index)}`;
  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `line ${String(from + index)}`);
  const write = (pod: string, from: number, to: number) => {
    node.append(node.file(pod), criLines(...numbers(from, to)));
  };
  /** Waits for all lines of a pod, and finds each once. */
  const complete = async (pod: string, to: number) => {
    await until(() => elasticsearch.of(pod).length >= to);
    assert.deepEqual(elasticsearch.messages(pod), numbers(0, to), node.logs().slice(-3000));
  };

  before("let Fluentd read a file of each row, while Elasticsearch fails at first", async function () {
    skipWithoutImage(this);
    const statuses = [500, 503, 401, 413];
    elasticsearch.answer = () => statuses.shift() ?? 200;
    elasticsearch.refuse = ({ tags, json, log, error, message }) => {
      const isOdd = [log, error].includes(5) || message.startsWith("\u0001");
      return !tags && (isOdd || json?.refuse || json?.a) ? 400 : undefined;
    };
    const port = await elasticsearch.listen();
    const { options, ...started } = await startApiServer();
    ({ apiServer } = started);
    node = new FluentdNode(port, {}, options);

    rows.forEach(({ file, isDocker }, index) => {
      if (isDocker) node.writeDocker(podOf(index), file);
      else node.append(node.file(podOf(index)), file);
    });
    hardLines.forEach((lines, index) => {
      node.append(node.file(`hard-${String(index)}`), criLines(...lines));
    });
    // Not from cri(), because its times depend on the other lines of this process.
    for (const pod of ["known", "deleted"]) {
      node.append(node.file(pod), `2026-11-23T10:14:00.000001000Z stdout F first line of ${pod}\n`);
    }
    const lines = criLines("said twice", "said twice");
    node.append(node.file("again"), lines + lines);
    node.append(node.file("again", { name: "0.log.20261123-101500" }), lines);
    node.append(node.file("again", { name: "0.log.20261123-101400.gz" }), "compressed\n");
    node.append(node.file("again", { name: "0.log.20261123-101400.tmp" }), "being compressed\n");
    node.append(node.file("fluentd", { namespace: "logging" }), criLines("of Fluentd"));
    node.append(node.file("app", { namespace: "logging-of-others" }), criLines("of others"));
    for (const pod of ["leaving", "killed", "rotated", "old-file", "incomplete"]) write(pod, 0, 10);
    node.start();

    const found = () => rows.every(({ records }, index) => elasticsearch.of(podOf(index)).length >= records.length);
    await until(() => elasticsearch.of("leaving").length >= 10 && found() && elasticsearch.duplicates.length >= 4);
  });

  after("remove Fluentd", () => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is none if the tests are skipped
    node?.remove();
    for (const server of [elasticsearch.server, apiServer]) {
      server?.close();
      server?.closeAllConnections();
    }
  });

  it("sends again what Elasticsearch did not accept, and logs in as its own user", () => {
    assert.deepEqual(elasticsearch.failures, [500, 503, 401, 413]);
    assert.deepEqual([...elasticsearch.requests], [`POST /_bulk koa-blog-fluentd:${password}`]);
  });

  it("adds the pod, its labels, the node, the container and the image to each record, or the names of a deleted pod", () => {
    const documentOf = (pod: string) => ({
      "@timestamp": "2026-11-23T10:14:00.000001000+00:00",
      message: `first line of ${pod}`,
      stream: "stdout",
      event: { id: elasticsearch.of(pod)[0]?.event.id },
      kubernetes: {
        namespace: "koa-blog",
        pod: { name: pod, uid: uidOf(pod) },
        node: { name: "node-1" },
        container: { name: "app" },
      },
    });
    const { kubernetes, ...document } = documentOf("known");
    assert.deepEqual(elasticsearch.of("known"), [
      { ...document, container: { id: "4f5e", image: { name: image } }, kubernetes: { ...kubernetes, labels } },
    ]);
    assert.deepEqual(elasticsearch.of("deleted"), [documentOf("deleted")]);
  });

  rows.forEach(({ title, records }, index) => {
    it(title, () => {
      const documents = elasticsearch.of(podOf(index));
      const expected = records.map((record) => (typeof record === "string" ? { message: record } : record));
      assert.deepEqual(
        documents.map(fieldsOf),
        expected.map((record) => ({ ...record, message: short(String(record.message)) })),
      );
      for (const { tags, message, event } of documents) {
        const original = event.original ?? "";
        assert.equal(original.includes(JSON.stringify(message)) && original.includes('"kubernetes":'), !!tags);
      }
    });
  });

  it("reads a long line in a time proportional to its length, whatever it contains", async () => {
    for (const [index, lines] of hardLines.entries()) {
      const text = () => elasticsearch.messages(`hard-${String(index)}`).join("\n");
      await until(() => text().length >= lines.join("\n").length);
      assert.equal(short(text()), short(lines.join("\n")));
    }
  });

  it("stores two equal lines, and stores each once if it is read again, also from a rotated file", () => {
    assert.deepEqual(elasticsearch.messages("again"), ["said twice", "said twice"]);
    assert.equal(elasticsearch.duplicates.length, 4);
  });

  it("leaves out the logs of its own namespace only", async () => {
    await until(() => elasticsearch.of("app").length > 0);
    assert.deepEqual(elasticsearch.messages("app"), ["of others"]);
    assert.deepEqual(elasticsearch.messages("fluentd"), []);
  });

  it("reads to its end the log of a pod that is deleted", async () => {
    write("leaving", 10, 500);
    rmSync(join(node.file("leaving"), "../.."), { recursive: true });
    await complete("leaving", 500);
  });

  it("loses and doubles no line when it is killed while Elasticsearch is unavailable", async () => {
    elasticsearch.answer = () => 503;
    const { length } = elasticsearch.failures;
    write("killed", 10, 1000);
    await until(() => elasticsearch.failures.length > length);
    write("killed", 1000, 1500);
    node.kill();
    write("killed", 1500, 2000);
    node.start();
    elasticsearch.answer = () => 200;
    await complete("killed", 2000);
  });

  it("loses no line of a rotated file, a reused inode, an incomplete line or a stack trace when it is stopped", async () => {
    node.append(node.file("incomplete"), criLines("line 10") + cri("line 11", { tag: "P" }));
    await complete("incomplete", 11);
    node.append(node.file("killed"), criLines("Error: the last words", "    at the end"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await node.stop();

    write("rotated", 10, 200);
    renameSync(node.file("rotated"), `${node.file("rotated")}.20261123-101500`);
    node.append(node.file("rotated"), criLines(...numbers(200, 300)));
    // The new file has the inode of the deleted one.
    node.append(node.file("new-file"), "");
    renameSync(node.file("old-file"), node.file("new-file"));
    truncateSync(node.file("new-file"));
    write("new-file", 0, 100);
    node.start();
    await complete("rotated", 300);
    await complete("new-file", 100);
    await until(() => elasticsearch.of("killed").length > 2000);
    assert.deepEqual(elasticsearch.messages("killed").slice(2000), ["Error: the last words\n    at the end"]);
    assert.deepEqual(elasticsearch.of("incomplete").slice(11).map(fieldsOf), [{ message: "line 11" }]);
  });

  it("runs without a restart by the kernel, and logs no password and no failure of its own", () => {
    assert.equal(node.state(), "running, OOM: false");
    const logs = node.logs();
    assert.match(logs, /password xxxxxx/);
    assert.ok(!logs.includes(password));
    // The kill interrupted the writing or deletion of a chunk. The tests above assert that its lines arrive.
    const ofTheKill = /found broken chunk file during resume|failed to purge buffer chunk .*\.meta>$/;
    // Backtrace lines are indented, and left out.
    const failures = logs.split("\n").filter((line) => /^\S.*(\[(error|fatal)\]|unexpected error)/.test(line));
    assert.deepEqual(
      failures.filter((line) => !ofTheKill.test(line)),
      [],
    );
  });
});

describe("Fluentd with a full buffer", () => {
  const elasticsearch = new BulkServer();
  let node: FluentdNode | undefined;

  after(() => {
    node?.remove();
    elasticsearch.server.close();
    elasticsearch.server.closeAllConnections();
  });

  it("waits for Elasticsearch, then loses no record that Elasticsearch refuses or has no room for", async function () {
    skipWithoutImage(this);
    const sizes = { "limit_size 512m": "limit_size 1m", "limit_size 4m": "limit_size 256k" };
    const fluentd = (node = new FluentdNode(await elasticsearch.listen(), sizes));
    elasticsearch.answer = () => 503;
    const attempted = new Set<string>();
    elasticsearch.refuse = ({ event, message, tags }) => {
      if (message.startsWith("odd")) return tags ? undefined : 400;
      if (attempted.has(event.id)) return undefined;
      attempted.add(event.id);
      return 429;
    };
    // Three times the size of the buffer.
    const records = Array.from({ length: 600 }, (_, line) => `${line % 2 ? "odd" : "even"} ${String(line)}`);
    fluentd.append(fluentd.file("full"), criLines(...records.map((record) => record.padEnd(5000))));
    fluentd.start();
    const isFull = async () => Number((await fluentd.output())?.buffer_available_buffer_space_ratios) <= 0;
    await until(() => isFull().catch(() => false));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    elasticsearch.answer = () => 200;
    await until(() => elasticsearch.of("full").length >= records.length);
    assert.deepEqual(
      elasticsearch.of("full").map(({ message, tags = [] }) => [message.trimEnd(), ...tags]),
      records.map((record) => (record.startsWith("odd") ? [record, "rejected"] : [record])),
    );
  });
});
