import assert from "node:assert/strict";
import { setImmediate as soon } from "node:timers/promises";

import { coalesce } from "../../../service/posts/coalesce.ts";

describe("coalesce", () => {
  let queries: { resolve: (value: string) => void; reject: (error: Error) => void }[];
  let read: () => Promise<string>;

  beforeEach(() => {
    queries = [];
    read = coalesce(() => new Promise((resolve, reject) => queries.push({ resolve, reject })));
  });

  it("gives callers during a query the next query, which begins after they called", async () => {
    const first = read();
    await soon();
    const others = [read(), read(), read()];
    await soon();
    assert.equal(queries.length, 1);

    queries[0]?.resolve("before");
    assert.equal(await first, "before");
    await soon();
    assert.equal(queries.length, 2);
    queries[1]?.resolve("after");
    assert.deepEqual(await Promise.all(others), ["after", "after", "after"]);
  });

  it("fails the callers that wait for a failing query, and starts a query for later callers", async () => {
    const waiting = [read(), soon().then(read)];
    const failures = waiting.map((promise) => assert.rejects(promise, /the database is away/));
    await soon();
    await soon();
    assert.equal(queries.length, 1);
    queries[0]?.reject(new Error("the database is away"));
    await Promise.all(failures);

    const later = read();
    await soon();
    queries[1]?.resolve("back");
    assert.equal(await later, "back");
  });

  it("survives a failing query without other callers", async () => {
    const failing = read();
    await soon();
    queries[0]?.reject(new Error("no"));
    await assert.rejects(failing);
    // An unhandled rejection would end the process now.
    await soon();
  });
});
