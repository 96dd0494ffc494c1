import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../client.ts";
import { useBlog } from "../service/blog.ts";
import { useService } from "../service/process.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const post = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";

describe("The blog's process", function () {
  const suite = useBlog();
  const folder = temporaryFolder();
  // The blog ends at most other signals.
  const server = useService(suite, { NODE_OPTIONS: `--heapsnapshot-signal=SIGWINCH --diagnostic-dir=${folder}` });
  let slow: [timeout: number, closed: Promise<number[]>][];

  /** Sends `start`, then calls `more` until the server closes the connection. */
  function open(start: string, more: (socket: Socket) => void): Promise<{ text: string; seconds: number }> {
    const begun = performance.now();
    return new Promise((resolve) => {
      let text = "";
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(start);
        more(socket);
      });
      socket.on("data", (data) => (text += data.toString("latin1")));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve({ text, seconds: (performance.now() - begun) / 1000 });
      });
    });
  }

  // The other tests run while these connections are open.
  before("open 300 connections that send slowly", () => {
    const send = (start: string, part: string) => {
      const connections = Array.from({ length: 150 }, async () => {
        const { seconds } = await open(start, (socket) => {
          const timer = setInterval(() => socket.write(part), 1000);
          socket.on("close", () => {
            clearInterval(timer);
          });
        });
        return seconds;
      });
      return Promise.all(connections);
    };
    slow = [
      [10, send("GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n")],
      [30, send(`${post}Content-Length: 1000\r\n\r\n`, "a")],
    ];
  });

  it("serves readers while 300 clients send slowly", async () => {
    for (let n = 0; n < 20; n += 1) assert.equal((await new Client(server.url).get("/")).status, 200);
  });

  it("answers 413 at the start of a form of 100 MB", async () => {
    const chunk = "x".repeat(2 ** 16);
    for (const length of ["Content-Length: 104857600\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n6400000\r\n"]) {
      const { text } = await open(post + length, (socket) => {
        for (let n = 0; n < 5; n += 1) socket.write(chunk);
        socket.once("data", () => {
          socket.destroySoon();
        });
      });
      assert.match(text, /^HTTP\/1\.1 413 /);
    }
  });

  it("keeps no name in memory that clients send, such as hosts, paths, headers and cookies", async () => {
    const visit = (n: number) => {
      const name = `name-of-a-client-${String(n)}`;
      const cookies = `${name}=${name}; session=${name}; session.sig=${name}`;
      const texts = { Host: `${name}.example:${String(n)}`, Cookie: cookies, "User-Agent": name, "X-Request-Id": name };
      // The first path has a route, the second has none.
      const path = n % 2 === 0 ? `/${name}` : `/no/${name}`;
      return new Client(server.url).get(`${path}?${name}=${name}`, { headers: { ...texts, [name]: name } });
    };
    const requests = 400;
    for (let n = 0; n < requests; n += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => visit(n + i)));
    }
    // The process collects its garbage and writes all strings of the heap to a file.
    server.service.child.kill("SIGWINCH");
    while (readdirSync(folder).length === 0) await sleep(50);
    // The process answers when the file is complete.
    assert.equal((await new Client(server.url).get("/hello")).status, 200);
    const snapshot = readFileSync(join(folder, readdirSync(folder)[0] ?? ""), "latin1");
    assert.match(snapshot, /http_request_duration_seconds/);
    const kept = new Set([...snapshot.matchAll(/name-of-a-client-(\d+)/g)].map(([, n]) => n));
    assert.ok(kept.size < requests / 10, `${String(kept.size)} of ${String(requests)} names are in memory`);
  });

  it("closes a connection that sends headers for 10 seconds, or a form for 30 seconds", async () => {
    for (const [timeout, closed] of slow) {
      const seconds = await closed;
      const [first, last] = [Math.min(...seconds), Math.max(...seconds)];
      // Node.js looks for such connections every five seconds.
      assert.ok(first > timeout - 1 && last < timeout + 15, `after ${first.toFixed(1)} to ${last.toFixed(1)} s`);
    }
  });
});
