import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { delimiter, join } from "node:path";

import { download, findTool, isAtLeast, type Tool } from "../../scripts/lib/tools.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("Versions", () => {
  it("are compared number by number", () => {
    assert.ok(isAtLeast("0.33.0", "0.24.0"));
    assert.ok(isAtLeast("0.24.0", "0.24.0"));
    assert.ok(isAtLeast("20.19.0", "20.9.5"));
    assert.ok(!isAtLeast("0.9.1", "0.24.0"));
    assert.ok(!isAtLeast("3.99.9", "3.208.0"));
  });
});

describe("A program on PATH", () => {
  const tool: Tool = { name: "koa-blog-tool", minimum: "0.24.0" };
  const path = process.env.PATH;
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => {
    process.env.PATH = path;
  });

  const install = (below: string, version: string) => {
    mkdirSync(join(folder, below), { recursive: true });
    const file = join(folder, below, tool.name);
    writeFileSync(file, `#!/bin/sh\necho "tool v${version} go1.26 linux/amd64"\n`);
    chmodSync(file, 0o755);
    return join(folder, below);
  };

  it("is found with its version, the first one first", () => {
    const [first, second] = [install("a", "0.30.1"), install("b", "0.31.0")];
    process.env.PATH = [join(folder, "none"), first, second, path].join(delimiter);
    assert.deepEqual(findTool(tool), { path: join(first, tool.name), version: "0.30.1" });
  });

  it("is passed over if it does not run, such as a version manager's shim without a version", () => {
    const shim = install("shims", "0.0.0");
    writeFileSync(join(shim, tool.name), "#!/bin/sh\necho 'No version is set for tool' >&2\nexit 126\n");
    process.env.PATH = [shim, path].join(delimiter);
    assert.equal(findTool(tool), undefined);
    const good = install("b", "0.31.0");
    process.env.PATH = [shim, good, path].join(delimiter);
    assert.deepEqual(findTool(tool), { path: join(good, tool.name), version: "0.31.0" });
  });

  it("is not one of npm's", () => {
    process.env.PATH = install("node_modules/.bin", "0.30.1");
    assert.equal(findTool(tool), undefined);
  });
});

describe("A download", () => {
  const content = "#!/bin/sh\necho kind\n";
  const checksum = createHash("sha256").update(content).digest("hex");
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/kind" ? 200 : 404).end(content);
  });
  let port: number;
  let url: string;
  let path: string;

  before(async () => {
    port = await listen(server);
    url = `http://127.0.0.1:${String(port)}`;
  });

  beforeEach(() => {
    path = join(temporaryFolder(), "bin", "kind");
  });

  after(() => server.close());

  it("is put in its place, executable, if its checksum is right", async () => {
    await download(`${url}/kind`, checksum, path);
    assert.equal(readFileSync(path, "utf8"), content);
    assert.equal(statSync(path).mode & 0o111, 0o111);
  });

  it("is refused if its checksum is another, and leaves nothing", async () => {
    const expected = "0".repeat(64);
    await assert.rejects(
      download(`${url}/kind`, expected, path),
      new RegExp(`${url}/kind has the wrong SHA-256: expected ${expected}, got ${checksum}`),
    );
    assert.ok(!existsSync(path));
    assert.ok(!existsSync(`${path}.part`));
  });

  it("goes through the proxy that HTTPS_PROXY or HTTP_PROXY names", async () => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      asked.push(request.url ?? "");
      const upstream = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
    });
    const environment = process.env;
    process.env = { ...environment, NO_PROXY: "" };
    process.env.HTTP_PROXY = `http://127.0.0.1:${String(await listen(proxy))}`;
    try {
      await download("http://kind.example.com/kind", checksum, path);
      assert.equal(readFileSync(path, "utf8"), content);
      assert.deepEqual(asked, ["kind.example.com:80"]);
    } finally {
      process.env = environment;
      proxy.close();
    }
  });

  it("names the address and the remedy if it fails", async () => {
    await assert.rejects(
      download(`${url}/none`, checksum, path),
      /\/none answered 404. Install kind 0.32.0 or later on PATH: https/,
    );
    const closed = "http://127.0.0.1:1/kind";
    await assert.rejects(download(closed, checksum, path), /1\/kind cannot be reached .* on PATH: https.* HTTPS_PROXY/);
  });
});
