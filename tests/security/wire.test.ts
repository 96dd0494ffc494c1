import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";

import { Client } from "../client.ts";
import { useBlog } from "../service/blog.ts";
import { useService } from "../service/process.ts";

const post = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";

describe("A connection", function () {
  this.timeout(90_000);
  const suite = useBlog();
  const server = useService(suite);

  /** Sends `start`, then calls `more` until the server closes the connection. */
  function open(start: string, more: (socket: Socket) => void): Promise<{ text: string; seconds: number }> {
    const begun = Date.now();
    return new Promise((resolve) => {
      let text = "";
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(start);
        more(socket);
      });
      socket.on("data", (data) => (text += data.toString("latin1")));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve({ text, seconds: (Date.now() - begun) / 1000 });
      });
    });
  }

  it("with a form of 100 MB gets 413 at the start of it", async () => {
    const chunk = "x".repeat(2 ** 16);
    const announced = [`Content-Length: 104857600\r\n\r\n`, `Transfer-Encoding: chunked\r\n\r\n6400000\r\n`];
    for (const length of announced) {
      const { text } = await open(post + length, (socket) => {
        for (let n = 0; n < 5; n += 1) socket.write(chunk);
        socket.once("data", () => {
          socket.destroySoon();
        });
      });
      assert.match(text, /^HTTP\/1\.1 413 /);
    }
  });

  it("that sends slowly is closed, and others are served meanwhile", async () => {
    const slow = (start: string, part: string) =>
      Array.from({ length: 150 }, () =>
        open(start, (socket) => {
          const timer = setInterval(() => socket.write(part), 1000);
          socket.on("close", () => {
            clearInterval(timer);
          });
        }),
      );
    const headers = slow("GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n");
    const bodies = slow(`${post}Content-Length: 1000\r\n\r\n`, "a");
    for (let n = 0; n < 20; n += 1) assert.equal((await new Client(server.url).get("/")).status, 200);
    const longest = async (closed: Promise<{ seconds: number }>[]) =>
      Math.max(...(await Promise.all(closed)).map(({ seconds }) => seconds));
    const [ofHeaders, ofBodies] = [await longest(headers), await longest(bodies)];
    console.log(`      closed after ${ofHeaders.toFixed(0)} s (headers) and ${ofBodies.toFixed(0)} s (forms)`);
    assert.ok(ofHeaders < 25 && ofBodies < 45);
  });
});

describe("A request", () => {
  const suite = useBlog();

  it("with a method that a page does not have gets 405", async () => {
    for (const [path, allow] of [
      ["/hello", "HEAD, GET"],
      ["/create", "HEAD, GET, POST"],
      ["/auth/login", "HEAD, GET, POST"],
      ["/static/style.css", "HEAD, GET"],
    ] as const) {
      const { status, headers } = await suite.client.request("PUT", path);
      assert.deepEqual([status, headers.get("allow")], [405, allow], path);
    }
  });

  it("never leads to another site, also while the database is unavailable", async () => {
    const alone = await suite.startAnother({ MYSQL_PORT: 1 });
    const client = alone.client();
    for (const path of ["//evil.example", "/\\evil.example", "/%2f%2fevil.example", "/?next=//evil.example"]) {
      for (const { location, text } of [await suite.client.get(path), await client.get(path)]) {
        assert.equal(location, null);
        for (const [, link] of text.matchAll(/(?:href|action)="([^"]*)"/g))
          assert.match(link ?? "", /^(\/(?![/\\&])|#)/);
      }
    }
    const { location } = await suite.client.post("/auth/login?next=//evil.example", {
      ...{ username: "test", password: "test", next: "//evil.example" },
    });
    assert.equal(location, "/");
  });
});
