import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { pathToFileURL } from "node:url";

import { listen } from "../listen.ts";

const module = pathToFileURL("scripts/lib/fetchWithin.ts").href;

/** Exit code of a Node.js process that sends 10 requests. */
async function exitCodeOfRequests(url: string): Promise<unknown> {
  const program = `
    import { fetchWithin } from "${module}";
    for (let time = 0; time < 10; time += 1) await fetchWithin(100, "${url}").catch(() => undefined);
  `;
  const child = spawn(process.execPath, ["--import", "tsx/esm", "--input-type=module", "--eval", program]);
  const [code] = (await once(child, "exit")) as [unknown];
  return code;
}

describe("A request with a time limit", () => {
  let server: Server;

  for (const [what, answer] of [
    ["closes each connection at once", (socket: Socket) => socket.end()],
    ["never answers", () => undefined],
  ] as const) {
    it(`settles, also if the server ${what}`, async () => {
      server = createServer((socket) => {
        answer(socket.on("error", () => undefined));
      });
      assert.equal(await exitCodeOfRequests(`http://127.0.0.1:${String(await listen(server))}`), 0);
    });
  }

  afterEach(() => server.close());
});
