import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";

import { download } from "../../scripts/lib/tools.ts";
import { waitForAnswer } from "../../scripts/lib/waitForAnswer.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("A program", () => {
  const content = "#!/bin/sh\necho kind\n";
  const checksum = createHash("sha256").update(content).digest("hex");
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/kind" ? 200 : 404).end(content);
  });
  const path = join(temporaryFolder(), "bin", "kind");
  const { env } = process;
  let url: string;

  before(async () => {
    url = `http://127.0.0.1:${String(await listen(server))}`;
  });

  afterEach(() => {
    process.env = env;
  });

  after(() => server.close());

  it("is downloaded, unless its checksum is another one", async () => {
    const expected = "0".repeat(64);
    const message = `${url}/kind has the wrong SHA-256: expected ${expected}, got ${checksum}`;
    await assert.rejects(download(`${url}/kind`, expected, path), new RegExp(message));
    assert.deepEqual([existsSync(path), existsSync(`${path}.part`)], [false, false]);
    await download(`${url}/kind`, checksum, path);
    assert.equal(readFileSync(path, "utf8"), content);
    assert.equal(statSync(path).mode & 0o111, 0o111);
  });

  it("is downloaded through the proxy that HTTPS_PROXY or HTTP_PROXY names", async () => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", (request: IncomingMessage, socket: Socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    process.env = { ...env, NO_PROXY: "", HTTP_PROXY: `http://127.0.0.1:${String(await listen(proxy))}` };
    await assert.rejects(download("http://kind.example.com/kind", checksum, path), /Or set HTTPS_PROXY/);
    proxy.close();
    assert.deepEqual(asked, ["kind.example.com:80"]);
  });

  it("that cannot be downloaded has a remedy, and so has a blog that does not answer", async () => {
    const remedy = "Install kind 0.32.0 or later on PATH: https";
    await assert.rejects(download(`${url}/none`, checksum, path), new RegExp(`/none answered 404\\. ${remedy}`));
    const closed = "http://127.0.0.1:1";
    await assert.rejects(download(closed, checksum, path), new RegExp(`${closed} cannot be reached .* ${remedy}`));
    await assert.rejects(waitForAnswer(closed, 100), /:1 does not answer within 0\.1 s\. "npm run status" shows/);
  });
});
