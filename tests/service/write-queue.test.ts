import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpError } from "../../service/errors.ts";
import { WriteQueue } from "../../service/posts/write-queue.ts";

/** A write that meets a lock: it ends when it is told to. */
class LockedWrite {
  begun = false;
  end!: () => void;
  readonly #done = new Promise<void>((resolve) => (this.end = resolve));

  readonly run = () => {
    this.begun = true;
    return this.#done;
  };
}
const refused = (error: unknown) => error instanceof HttpError && error.status === 503 && error.code === "WRITE_QUEUE";

describe("The queue of writes to posts", () => {
  it("begins a write at once, and hands over its result", async () => {
    const queue = new WriteQueue();
    assert.equal(await queue.create(() => Promise.resolve(1)), 1);
    assert.equal(await queue.change(1, () => Promise.resolve(2)), 2);
    await assert.rejects(
      queue.change(1, () => Promise.reject(new Error("refused by the database"))),
      /refused by the database/,
    );
  });

  it("lets writes to one post wait for each other, and those to others go on", async () => {
    const queue = new WriteQueue();
    const [first, second, other] = [new LockedWrite(), new LockedWrite(), new LockedWrite()];
    const results = [queue.change(1, first.run), queue.change(1, second.run), queue.change(2, other.run)];
    await sleep(10);
    assert.deepEqual([first.begun, second.begun, other.begun], [true, false, true]);
    first.end();
    await sleep(10);
    assert.ok(second.begun);
    second.end();
    other.end();
    await Promise.all(results);
  });

  it("begins two at a time, whatever they write", async () => {
    const queue = new WriteQueue();
    const writes = Array.from({ length: 5 }, () => new LockedWrite());
    const results = writes.map(({ run }, index) => (index % 2 ? queue.create(run) : queue.change(index, run)));
    await sleep(10);
    assert.equal(writes.filter(({ begun }) => begun).length, 2);
    for (const write of writes) write.end();
    await Promise.all(results);
  });

  it("never begins a write that has waited too long, and says to come again", async () => {
    const queue = new WriteQueue();
    const [first, second] = [new LockedWrite(), new LockedWrite()];
    const result = queue.change(1, first.run);
    const late = assert.rejects(queue.change(1, second.run), refused);
    await sleep(700);
    first.end();
    await Promise.all([result, late]);
    assert.equal(second.begun, false);
  });
});
