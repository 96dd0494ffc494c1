import assert from "node:assert/strict";

import { cri, until, useFluentd } from "./fluentd.ts";

const file = "koa-blog_blog-7f9c_0b1ac6a9-4b0e-4d0e-9b4c-0b6b7a5f3c11/blog/0.log";
const count = 6000;
const padding = "x".repeat(5000);

describe("Fluentd with a full buffer", function () {
  this.timeout(180_000);
  const pipeline = useFluentd(() => ({ bufferLimit: "8m" }));
  before(() => {
    pipeline.node.start();
  });

  for (const { answer, status } of [
    { answer: "has no room for any record", status: 429 },
    { answer: "refuses every record for its content", status: 400 },
  ]) {
    it(`loses nothing, and does not stop, when Elasticsearch comes back and ${answer}`, async () => {
      const { elasticsearch, node } = pipeline;
      const name = `full-${String(status)}`;
      const found = () => [...elasticsearch.documents.values()].filter(({ message }) => message.startsWith(name));
      elasticsearch.status = 503;
      // More than twice the size of the buffer.
      const lines = Array.from({ length: count }, (_, number) => cri(`${name} ${String(number)} ${padding}`));
      node.append(file, lines.join(""));
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const refused = new Set<string>();
      elasticsearch.refuse = ({ event }) => {
        if (refused.has(event.id)) return undefined;
        refused.add(event.id);
        return status;
      };
      elasticsearch.status = 200;
      await until(() => found().length >= count, 120);
      assert.equal(found().length, count, node.logs().slice(-2000));
      assert.equal(refused.size, count);
      assert.equal(found().filter(({ tags }) => tags?.includes("rejected")).length, status === 400 ? count : 0);
    });
  }
});
