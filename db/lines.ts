import type { Readable } from "node:stream";

/**
 * The lines of a text in UTF-8, without line breaks. Node's readline fails in Node.js 24.2 and some later versions.
 * https://github.com/nodejs/node/issues/60507
 */
export async function* linesOf(input: Readable): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of input.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
