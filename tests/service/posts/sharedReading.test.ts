import assert from "node:assert/strict";
import { setImmediate as soon } from "node:timers/promises";

import { sharedReading } from "../../../service/posts/sharedReading.ts";

describe("A reading that callers share", () => {
  let readings: { resolve: (value: string) => void; reject: (error: Error) => void }[];
  let read: () => Promise<string>;

  beforeEach(() => {
    readings = [];
    read = sharedReading(() => new Promise((resolve, reject) => readings.push({ resolve, reject })));
  });

  it("gives all callers during a reading the next one, which begins after they asked", async () => {
    const first = read();
    await soon();
    const others = [read(), read(), read()];
    await soon();
    assert.equal(readings.length, 1);

    readings[0]?.resolve("before");
    assert.equal(await first, "before");
    await soon();
    assert.equal(readings.length, 2);
    readings[1]?.resolve("after");
    assert.deepEqual(await Promise.all(others), ["after", "after", "after"]);
  });

  it("tells of a failure only the callers of that reading", async () => {
    const first = read();
    await soon();
    const second = read();
    readings[0]?.reject(new Error("the database is away"));
    await assert.rejects(first, /the database is away/);
    await soon();
    readings[1]?.resolve("back");
    assert.equal(await second, "back");
  });

  it("begins another reading for a later caller", async () => {
    for (const result of ["one", "two"]) {
      const answer = read();
      await soon();
      readings.at(-1)?.resolve(result);
      assert.equal(await answer, result);
    }
    assert.equal(readings.length, 2);
  });
});
