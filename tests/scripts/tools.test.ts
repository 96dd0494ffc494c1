import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { download, findTool, isAtLeast, type Tool } from "../../scripts/lib/tools.ts";

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
  const tool: Tool = { name: "koa-blog-tool", versionArguments: ["version"], minimum: "0.24.0" };
  const path = process.env.PATH;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "koa-blog-"));
  });

  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
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

  it("is not one of npm's", () => {
    process.env.PATH = install("node_modules/.bin", "0.30.1");
    assert.equal(findTool(tool), undefined);
  });
});

describe("A download", () => {
  const content = "#!/bin/sh\necho kind\n";
  const checksum = createHash("sha256").update(content).digest("hex");
  let server: Server;
  let url: string;
  let folder: string;

  before((done) => {
    server = createServer((request, response) => {
      response.writeHead(request.url === "/kind" ? 200 : 404).end(content);
    }).listen(0, "127.0.0.1", () => {
      url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      done();
    });
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "koa-blog-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  after(() => server.close());

  it("is put in its place, executable, if its checksum is right", async () => {
    const path = join(folder, "bin", "kind");
    await download(`${url}/kind`, checksum, path);
    assert.equal(readFileSync(path, "utf8"), content);
    assert.equal(statSync(path).mode & 0o111, 0o111);
  });

  it("is refused if its checksum is another, and leaves nothing", async () => {
    const path = join(folder, "kind");
    const expected = "0".repeat(64);
    await assert.rejects(
      download(`${url}/kind`, expected, path),
      new RegExp(`${url}/kind is not what was released: expected SHA-256 ${expected}, got ${checksum}`),
    );
    assert.ok(!existsSync(path));
    assert.ok(!existsSync(`${path}.part`));
  });

  it("names the address and the remedy if it fails", async () => {
    await assert.rejects(download(`${url}/none`, checksum, join(folder, "kind")), /\/none answered 404: install the/);
    const closed = "http://127.0.0.1:1/kind";
    await assert.rejects(
      download(closed, checksum, join(folder, "kind")),
      /1\/kind cannot be reached .*: check the network/,
    );
  });
});
