import assert from "node:assert/strict";
import { setImmediate as soon } from "node:timers/promises";
import { shareNext } from "../../service/posts/share-next.ts";

/** Work that is done when it is told to. */
class Work {
  readonly turns: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];

  readonly begin = () =>
    new Promise<string>((resolve, reject) => {
      this.turns.push({ resolve, reject });
    });
}

describe("Work that callers share", () => {
  it("gives those who come while it is done one turn more, begun after they came", async () => {
    const work = new Work();
    const call = shareNext(work.begin);
    const first = call();
    await soon();
    const others = [call(), call(), call()];
    await soon();
    assert.equal(work.turns.length, 1);

    work.turns[0]?.resolve("before");
    assert.equal(await first, "before");
    await soon();
    assert.equal(work.turns.length, 2);
    work.turns[1]?.resolve("after");
    assert.deepEqual(await Promise.all(others), ["after", "after", "after"]);
  });

  it("tells of a failure only those whose turn it was", async () => {
    const work = new Work();
    const call = shareNext(work.begin);
    const first = call();
    await soon();
    const second = call();
    work.turns[0]?.reject(new Error("the database is away"));
    await assert.rejects(first, /the database is away/);
    await soon();
    work.turns[1]?.resolve("there again");
    assert.equal(await second, "there again");
  });

  it("begins anew for who comes later", async () => {
    const work = new Work();
    const call = shareNext(work.begin);
    for (const result of ["one", "two"]) {
      const answer = call();
      await soon();
      work.turns.at(-1)?.resolve(result);
      assert.equal(await answer, result);
    }
    assert.equal(work.turns.length, 2);
  });
});
