import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";

import { projectFolder } from "../../scripts/lib/project.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const elasticPassword = 'a "quoted" \\ pass%word$1';

describe("The script that frees Elasticsearch's disk", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let url: string;
  let requests: string[];
  /** Free megabytes, as Elasticsearch reports them. */
  let free: string;
  /** Megabytes of each index. */
  let size: number;
  let indices: string[];
  let isDown: boolean;

  const server = createServer(({ method = "", url: path = "", headers }, response) => {
    const user = Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    requests.push(`${method} ${path}`);
    if (isDown || user !== `elastic:${elasticPassword}`) {
      response.writeHead(isDown ? 503 : 401).end('{"error":{"reason":"on demand"}}');
    } else if (path === "/_cat/nodes?h=disk.avail&bytes=mb") {
      response.end(`${free}\n`);
    } else if (path === "/_data_stream/logs-kubernetes-default?filter_path=data_streams.indices.index_name") {
      const names = indices.map((name) => ({ index_name: name }));
      response.end(JSON.stringify({ data_streams: [{ indices: names }] }));
    } else if (method === "DELETE" && indices.slice(0, -1).includes(path.slice(1))) {
      indices = indices.filter((name) => name !== path.slice(1));
      free = String(Number(free) + size);
      response.end('{"acknowledged":true}');
    } else {
      response.writeHead(400).end('{"error":{"reason":"no such request"}}');
    }
  });

  before(async () => {
    writeFileSync(join(folder, "ELASTIC_PASSWORD"), elasticPassword);
    const script = readFileSync(join(projectFolder, "logging/elasticsearch/free-disk.sh"), "utf8");
    const local = script.replaceAll("/tmp/", `${folder}/`).replace("sleep 5", "sleep 0");
    writeFileSync(join(folder, "free-disk.sh"), local);
    url = `http://127.0.0.1:${String(await listen(server))}`;
  });

  beforeEach(() => {
    requests = [];
    isDown = false;
    size = 300;
    indices = [1, 2, 3, 4].map(
      (number) => `.ds-logs-kubernetes-default-2026.11.2${String(number)}-00000${String(number)}`,
    );
  });

  after(() => server.close());

  const run = () =>
    promisify(execFile)("sh", [join(folder, "free-disk.sh")], {
      env: { ...process.env, URL: url, SECRETS: folder },
    }).then(
      ({ stdout, stderr }) => ({ status: 0, output: stdout + stderr }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { status: code, output: stdout + stderr };
      },
    );

  it("only looks at the disk while there is space", async () => {
    free = "1500";
    const { status, output } = await run();
    assert.equal(status, 0, output);
    assert.deepEqual(requests, ["GET /_cat/nodes?h=disk.avail&bytes=mb"]);
    assert.ok(!output.includes("quoted"), output);
  });

  it("deletes the oldest indices, and no more than it needs", async () => {
    free = "1000";
    const [oldest, second, ...others] = indices;
    const { status, output } = await run();
    assert.equal(status, 0, output);
    assert.deepEqual(indices, others);
    assert.deepEqual(
      requests.filter((request) => request.startsWith("DELETE")),
      [`DELETE /${String(oldest)}`, `DELETE /${String(second)}`],
    );
    assert.match(output, /1600 MB are free/);
  });

  it("never deletes the index that takes the new logs, and fails if that is not enough", async () => {
    free = "10";
    const newest = indices.slice(-1);
    const { status, output } = await run();
    assert.equal(status, 1);
    assert.deepEqual(indices, newest);
    assert.match(output, /Only the newest index is left/);
  });

  it("stops when a deletion frees nothing, because another program fills the disk", async () => {
    free = "10";
    size = 0;
    const { status, output } = await run();
    assert.equal(status, 1);
    assert.equal(indices.length, 3);
    assert.match(output, /Deleting logs frees nothing/);
  });

  it("deletes nothing if Elasticsearch does not answer, or not with a number", async () => {
    free = "10";
    isDown = true;
    const { status, output } = await run();
    assert.notEqual(status, 0);
    assert.match(output, /on demand|503/);
    isDown = false;
    for (const answer of ["", "-", "10gb"]) {
      free = answer;
      assert.match((await run()).output, /Expected the free megabytes/);
    }
    assert.equal(indices.length, 4);
    assert.ok(!requests.some((request) => request.startsWith("DELETE")));
  });
});
