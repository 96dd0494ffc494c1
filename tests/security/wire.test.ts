import assert from "node:assert/strict";
import { METHODS } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { useBlog } from "../service/blog.ts";
import { Client } from "../service/client.ts";
import { listeningPort, spawnService, useService } from "../service/process.ts";
import { sendRaw } from "./raw.ts";

/** Resolves to the milliseconds until the server closes a connection. */
function closedAfter(socket: Socket): Promise<number> {
  const begun = Date.now();
  return new Promise((resolve) => {
    socket
      .on("error", () => undefined)
      .on("close", () => {
        resolve(Date.now() - begun);
      });
  });
}

describe("On the wire, the blog", function () {
  this.timeout(120_000);
  const suite = useBlog();
  const server = useService(suite);
  let port: number;
  let client: Client;

  before(() => {
    ({ port } = server);
    client = new Client(server.url);
  });

  const inner = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  const post = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
  const shapes: [shape: string, request: string][] = [
    ["both lengths", `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
    ["two different lengths", `${post}Content-Length: 0\r\nContent-Length: ${String(inner.length)}\r\n\r\n${inner}`],
    ["a list of lengths", `${post}Content-Length: 0, ${String(inner.length)}\r\n\r\n${inner}`],
    ["a length with a sign", `${post}Content-Length: +0\r\n\r\n${inner}`],
    ["a length in hexadecimal", `${post}Content-Length: 0x0\r\n\r\n${inner}`],
    ["a space before the colon", `${post}Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n${inner}`],
    ["an unknown transfer coding", `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
    ["chunked that is not last", `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`],
    ["a chunk's size that is none", `${post}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${inner}`],
    ["a folded header", `${post}Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n${inner}`],
    ["a header without a name", `${post}: chunked\r\nContent-Length: 0\r\n\r\n${inner}`],
    ["a NUL in a header", `${post}X: a\0b\r\nContent-Length: 0\r\n\r\n${inner}`],
  ];
  for (const [shape, request] of shapes) {
    it(`takes a request with ${shape} for none, and nothing behind it for another`, async () => {
      const { statuses, text, closed } = await sendRaw(port, request);
      assert.deepEqual(statuses, [400], text);
      assert.ok(closed);
      assert.doesNotMatch(text, /Hello, World!/);
    });
  }

  it("answers requests in a row, each once", async () => {
    const { statuses } = await sendRaw(port, inner.repeat(3));
    assert.deepEqual(statuses, [200, 200, 200]);
  });

  it("refuses headers of more than 16 KiB with 431, and closes", async () => {
    const { statuses, closed } = await sendRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    assert.deepEqual([statuses, closed], [[431], true]);
  });

  it("needs a host, and takes any", async () => {
    assert.deepEqual((await sendRaw(port, "GET /hello HTTP/1.1\r\n\r\n")).statuses, [400]);
    assert.deepEqual((await sendRaw(port, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n")).statuses, [200]);
  });

  it("answers a method that Node.js's HTTP parser does not know with 400", async () => {
    const { statuses } = await sendRaw(port, "BREW /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert.deepEqual(statuses, [400]);
  });

  for (const method of METHODS.filter((name) => !["GET", "HEAD", "POST", "OPTIONS", "CONNECT"].includes(name))) {
    it(`answers ${method} with 405 where there is a page, whatever its body is, and with 404 elsewhere`, async () => {
      const xml = "<propfind/>";
      for (const [path, status] of [
        ["/hello", 405],
        ["/create", 405],
        ["/auth/login", 405],
        ["/static/style.css", 405],
        ["/nowhere", 404],
      ] as const) {
        const request = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n`;
        const { statuses, text } = await sendRaw(port, `${request}Content-Length: ${String(xml.length)}\r\n\r\n${xml}`);
        assert.deepEqual(statuses, [status], text);
        assert.equal(/^Allow: HEAD, GET(, POST)?\r$/m.test(text), status === 405, text);
      }
    });
  }

  it("keeps an idle connection for longer than load balancers do, also longer than it waits for headers", async () => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (data) => (text += data.toString("latin1")));
    for (let round = 1; round <= 2; round += 1) {
      socket.write(inner);
      while (text.split("Hello, World!").length - 1 < round) await sleep(20);
      assert.equal(socket.readyState, "open");
      if (round === 1) await sleep(16_000);
    }
    socket.destroy();
    const timeouts = [...text.matchAll(/^Keep-Alive: timeout=(\d+)/gim)].map(([, seconds]) => Number(seconds));
    assert.ok(timeouts.length === 2 && timeouts.every((seconds) => seconds > 90), text);
  });

  const tricks = `
    /../../etc/passwd  /etc/passwd  /%c0%ae%c0%ae/etc/passwd  /.env  /service/server.ts
    /static/../server.ts  /static/..%2fserver.ts  /static/%2e%2e/server.ts  /static/\\..\\server.ts  /static/%5c..%5cserver.ts
    /static//style.css  /static/style.css%00.html  /static/constructor  /static/__proto__
    /run/secrets/koa-blog/MYSQL_PASSWORD`;
  for (const path of tricks.trim().split(/\s+/)) {
    it(`has nothing at ${path}`, async () => {
      const { statuses, text } = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.ok([400, 404].includes(statuses[0] ?? 0), text);
      assert.doesNotMatch(text, /root:x:|import |MYSQL/);
    });
  }

  const elsewhere = [
    "//evil.example",
    "/\\evil.example",
    "///evil.example/",
    "http://evil.example/",
    "/%2f%2fevil.example",
  ];
  for (const path of elsewhere) {
    it(`sends nobody from ${path} to another site`, async () => {
      const query = `/auth/login?next=${encodeURIComponent(path)}`;
      for (const target of [path, query]) {
        const { text } = await sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.doesNotMatch(text, /^location: (?!\/(?![/\\]))/im);
      }
      await suite.db("attempt").delete();
      const { location } = await client.request(
        "POST",
        query,
        {},
        `username=test&password=test&_csrf=${await client.token()}&next=${encodeURIComponent(path)}`,
      );
      assert.ok(location === "/" || location === null, String(location));
    });
  }

  it("offers nobody a link to another site while the database is away", async () => {
    const alone = spawnService(suite.database, { MYSQL_PORT: "1" });
    try {
      const itsPort = await listeningPort(alone);
      // With a session cookie, the session query comes before all routes.
      await client.login();
      const headers = `Host: 127.0.0.1:${String(port)}\r\nCookie: ${client.cookieHeader}\r\nConnection: close`;
      for (const path of [...elsewhere, "/?before=2018-01-01T00:00:00_1"]) {
        const { statuses, text } = await sendRaw(itsPort, `GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`, 5000);
        assert.deepEqual(statuses, [503], text);
        const links = [...text.matchAll(/href="([^"]*)"/g)].map(([, link]) => link ?? "");
        for (const link of links) assert.match(link, /^(\/(?![/\\&])|#)/);
        assert.equal(text.includes("Try again</a>"), path.startsWith("/?") || path.startsWith("/%2f"));
      }
    } finally {
      alone.child.kill("SIGKILL");
    }
  });

  it("answers a form of 100 MB before it has come, reads little of it, and closes", async () => {
    const announced = 100 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, "x");
    for (const length of [`Content-Length: ${String(announced)}`, "Transfer-Encoding: chunked"]) {
      const isChunked = length.startsWith("T");
      const socket = connect(port, "127.0.0.1");
      let text = "";
      socket.on("data", (data) => (text += data.toString("latin1")));
      const closed = closedAfter(socket);
      const part = isChunked ? Buffer.concat([Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")]) : chunk;
      socket.write(`${post}${length}\r\n\r\n`);
      let sent = 0;
      const more = () => {
        while (sent < announced && !socket.destroyed) {
          sent += chunk.length;
          if (!socket.write(part)) {
            socket.once("drain", more);
            return;
          }
        }
      };
      more();
      const ms = await closed;
      console.log(`        ${length}: ${String(sent >> 20)} MiB sent, closed after ${String(ms)} ms`);
      assert.match(text, /^HTTP\/1\.1 413 /);
      assert.ok(sent < announced / 4, `${String(sent)} bytes were taken`);
      assert.ok(ms < 40_000, `${String(ms)} ms`);
    }
  });

  describe("with 300 slow senders", () => {
    const sockets: Socket[] = [];
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
    });

    const slow = (start: string, more: string) =>
      Array.from({ length: 300 }, () => {
        const socket = connect(port, "127.0.0.1", () => socket.write(start)).resume();
        const timer = setInterval(() => socket.write(more), 1000);
        socket.on("close", () => {
          clearInterval(timer);
        });
        sockets.push(socket);
        return closedAfter(socket);
      });

    for (const [what, start, more, limit] of [
      ["of headers", "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", 10],
      ["of a form", `${post}Content-Length: 1000\r\n\r\n`, "a", 30],
    ] as const) {
      it(`${what} serves others meanwhile, and lets the slow ones go after ${String(limit)} s`, async () => {
        const closed = slow(start, more);
        await sleep(1500);
        const begun = Date.now();
        for (let i = 0; i < 20; i += 1) assert.equal((await client.get("/")).status, 200);
        console.log(`        20 pages meanwhile: ${String(Date.now() - begun)} ms`);
        const longest = Math.max(...(await Promise.all(closed))) / 1000;
        console.log(`        the last slow sender was let go after ${longest.toFixed(0)} s`);
        assert.ok(longest < limit + 10, `${String(longest)} s`);
      });
    }
  });
});
