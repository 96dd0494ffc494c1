import assert from "node:assert/strict";
import { setImmediate as soon } from "node:timers/promises";

import { coalesce } from "../../../service/posts/coalesce.ts";

describe("Readers of the first page at the same time", () => {
  it("share a query or its error. The query begins after their requests, so they see their own writes", async () => {
    const queries: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
    const read = coalesce(() => new Promise<string>((resolve, reject) => queries.push({ resolve, reject })));

    const first = read();
    await soon();
    const others = [read(), read()];
    await soon();
    assert.equal(queries.length, 1);
    queries[0]?.resolve("before");
    assert.equal(await first, "before");
    await soon();
    assert.equal(queries.length, 2);
    queries[1]?.resolve("after");
    assert.deepEqual(await Promise.all(others), ["after", "after"]);

    const failures = [read(), soon().then(read)].map((reading) => assert.rejects(reading, /the database is away/));
    await soon();
    await soon();
    queries[2]?.reject(new Error("the database is away"));
    await Promise.all(failures);
    const later = read();
    await soon();
    queries[3]?.resolve("back");
    assert.equal(await later, "back");
  });
});
