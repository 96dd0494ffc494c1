import assert from "node:assert/strict";

import type { BulkServer } from "./elasticsearch.ts";
import { cri, dockerLines, type FluentdNode, until, useFluentd } from "./fluentd.ts";

const uid = "0b1ac6a9-4b0e-4d0e-9b4c-0b6b7a5f3c11";
const kibibyte = 1024;
const part = 16 * kibibyte;

describe("Fluentd with the memory of its pod, and a line longer than a chunk", function () {
  this.timeout(300_000);
  const pipeline = useFluentd(() => ({ run: ["--memory", "192m", "--memory-swap", "192m"] }));
  let elasticsearch: BulkServer;
  let node: FluentdNode;

  before(() => {
    ({ elasticsearch, node } = pipeline);
    node.start();
  });

  const recordsOf = (pod: string) =>
    [...elasticsearch.documents.values()]
      .filter(({ kubernetes }) => kubernetes.pod.name === pod)
      .sort((one, other) => one["@timestamp"].localeCompare(other["@timestamp"]));

  const fileOf = (pod: string) => `koa-blog_${pod}_${uid}/app/0.log`;

  /** Text that is different in each part, and as long in all of them. */
  const textOfPart = (number: number) => `${String(number).padStart(8, "0")} `.repeat(part).slice(0, part);

  const arrived = async (pod: string, text: string, seconds = 60) => {
    await until(() => recordsOf(pod).some(({ message }) => message.includes(text)), seconds);
    const found = recordsOf(pod).some(({ message }) => message.includes(text));
    assert.ok(found, `no "${text}" of ${pod}:\n${node.logs().slice(-2000)}`);
  };

  it("divides a line of 100 MB into records of 256 KiB, loses nothing, and keeps reading other containers", async () => {
    const parts = 6400;
    for (let first = 0; first < parts; first += 400) {
      const lines = Array.from({ length: 400 }, (_, index) => cri(textOfPart(first + index), { tag: "P" }));
      node.append(fileOf("long"), lines.join(""));
    }
    node.append(fileOf("long"), cri(" its end"));
    node.append(fileOf("other"), cri("a line of another container"));
    await arrived("other", "a line of another container");
    await arrived("long", " its end", 90);
    await until(() => recordsOf("long").length > parts / 16, 60);
    const sizes = new Set(recordsOf("long").map(({ message }) => message.length));
    assert.deepEqual([...sizes], [256 * kibibyte, " its end".length]);
    const text = recordsOf("long")
      .map(({ message }) => message)
      .join("");
    assert.equal(text.length, parts * part + " its end".length);
    for (let number = 0; number < parts; number += 1) {
      assert.ok(text.startsWith(textOfPart(number), number * part), `part ${String(number)} is missing`);
    }
  });

  it("divides long lines of Docker, whose characters are escaped, and hands over the parts that are refused", async () => {
    elasticsearch.refuse = ({ tags, kubernetes }) => (!tags && kubernetes.pod.name === "docker" ? 400 : undefined);
    const long = "\u0001".repeat(300 * kibibyte);
    node.appendDocker(fileOf("docker"), dockerLines(long) + dockerLines("after the long line"));
    await arrived("docker", "after the long line");
    await until(() => recordsOf("docker").length >= 3);
    const records = recordsOf("docker");
    assert.equal(
      records
        .map(({ message }) => message)
        .sort()
        .join(""),
      `${long}after the long line`,
    );
    for (const { tags, event } of records) {
      assert.deepEqual(tags, ["rejected"]);
      assert.ok((event.original ?? "").length > 0);
    }
  });

  it("divides a stack trace with long lines", async () => {
    const frame = `    at ${"x".repeat(part - 10)}`;
    const lines = ["Error: long frames", ...Array.from({ length: 2000 }, () => frame), "after the trace"];
    node.append(fileOf("trace"), lines.map((line) => cri(line)).join(""));
    await arrived("trace", "after the trace");
    const messages = recordsOf("trace").map(({ message }) => message);
    assert.ok(Math.max(...messages.map((message) => message.length)) <= 256 * kibibyte);
  });

  it("leaves out a line that no runtime has divided, and reads the next one", async () => {
    for (let megabyte = 0; megabyte < 100; megabyte += 1) node.append(fileOf("undivided"), "y".repeat(1024 * kibibyte));
    node.append(fileOf("undivided"), `\n${cri("after the undivided line")}`);
    await arrived("undivided", "after the undivided line");
    assert.equal(recordsOf("undivided").length, 1);
  });

  it("was not restarted by any of them", () => {
    assert.deepEqual(node.state(), { running: true, outOfMemory: false });
  });
});
