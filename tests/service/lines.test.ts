import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

import { linesOf } from "../../db/lines.ts";

const all = (input: Readable) => Readable.from(linesOf(input)).toArray();
const read = (...pieces: Buffer[]) => all(Readable.from(pieces));
const text = (line: string) => Buffer.from(line);

describe("The lines of a text", () => {
  it("are the same, wherever it is cut into pieces", async () => {
    const whole = "first\n\n🐟 third\u2028\r\nlast";
    const bytes = text(whole);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      assert.deepEqual(await read(bytes.subarray(0, cut), bytes.subarray(cut)), whole.split("\n"));
    }
  });

  it("do not end with an empty one", async () => {
    assert.deepEqual(await read(text("one\n"), text("two\n")), ["one", "two"]);
    assert.deepEqual(await read(text("")), []);
  });

  it("all come, to a slow reader too", async () => {
    let count = 0;
    for await (const line of linesOf(Readable.from([text("line\n".repeat(10_000))]))) {
      assert.equal(line, "line");
      count += 1;
      if (count % 1000 === 0) await setImmediate();
    }
    assert.equal(count, 10_000);
  });

  it("end with the error of their source", async () => {
    const source = Readable.from(
      (async function* () {
        yield text("one\n");
        await setImmediate();
        throw new Error("cut off");
      })(),
    );
    await assert.rejects(all(source), /cut off/);
  });
});
