import assert from "node:assert/strict";
import { createServer } from "node:http";

import { waitForAnswer } from "../../scripts/lib/waitForAnswer.ts";
import { listen } from "../listen.ts";

describe("The wait for the blog", () => {
  it("ends when the blog answers, and fails with the URL and a remedy if it does not", async () => {
    let requests = 0;
    const server = createServer((_, response) => response.writeHead(++requests < 3 ? 503 : 200).end());
    const url = `http://127.0.0.1:${String(await listen(server))}`;
    await waitForAnswer(url, 20_000);
    assert.equal(requests, 3);
    requests = -1000;
    await assert.rejects(
      waitForAnswer(url, 600),
      new RegExp(`${url} does not answer within 0\\.6 s\\. "npm run status"`),
    );
    server.close();
  });
});
