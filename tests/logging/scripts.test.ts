import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { projectFolder } from "../../scripts/lib/project.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const passwords = {
  ELASTIC_PASSWORD: 'a "quoted" \\ pass%word$1',
  FLUENTD_PASSWORD: "of-fluentd",
  KIBANA_PASSWORD: "of-kibana",
};

interface Request {
  line: string;
  xsrf: string | string[] | undefined;
  body: string;
}

interface Answer {
  status?: number;
  body?: string;
}

const refusal = (status: number, type: string): Answer => ({
  status,
  body: JSON.stringify({ error: { type, reason: `the reason is ${type}` }, status }),
});

describe("The scripts for Elasticsearch and Kibana", () => {
  const secrets = temporaryFolder();
  let url: string;
  let answer: (request: Request) => Answer;
  let requests: Request[];

  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const request = { line: `${method} ${path}`, xsrf: headers["kbn-xsrf"], body: await text(incoming) };
    requests.push(request);
    const login = Buffer.from(`elastic:${passwords.ELASTIC_PASSWORD}`).toString("base64");
    const isLoggedIn = headers.authorization === `Basic ${login}`;
    const { status = 200, body = "" } = isLoggedIn ? answer(request) : refusal(401, "wrong_login");
    response.writeHead(status).end(body);
  });

  before(async () => {
    for (const [name, password] of Object.entries(passwords)) writeFileSync(join(secrets, name), password);
    url = `http://127.0.0.1:${String(await listen(server))}`;
  });

  after(() => server.close());

  /**
   * Runs a script with one retry and without its waits. No password may be in its output or in the arguments of curl,
   * and no other user may read the login.
   */
  const run = async (script: string, answers: (request: Request) => Answer) => {
    const folder = temporaryFolder();
    const source = readFileSync(join(projectFolder, "logging", script), "utf8")
      .replaceAll("/tmp/", `${folder}/`)
      .replace('cd "$(dirname "$0")"', `cd "${join(projectFolder, "logging", script, "..")}"`)
      .replace("--retry 90 --retry-delay 2", "--retry 1")
      .replace("sleep 5", "sleep 0");
    writeFileSync(join(folder, "script.sh"), source);
    writeFileSync(
      join(folder, "curl"),
      `#!/bin/sh\necho "$@" >>"${folder}/arguments"\nPATH=$OLD_PATH exec curl "$@"\n`,
    );
    chmodSync(join(folder, "curl"), 0o755);
    const { PATH = "" } = process.env;
    const env = { PATH: `${folder}:${PATH}`, OLD_PATH: PATH, URL: url, SECRETS: secrets };
    answer = answers;
    requests = [];
    const { status, output } = await new Promise<{ status: number; output: string }>((resolve) => {
      const settings = { env: { ...env, RETENTION_DAYS: "9", ROLLOVER_SIZE: "512mb" } };
      const child = execFile("sh", [join(folder, "script.sh")], settings, (_error, stdout, stderr) => {
        resolve({ status: child.exitCode ?? -1, output: stdout + stderr });
      });
    });
    assert.doesNotMatch(output + readFileSync(join(folder, "arguments"), "utf8"), /quoted|of-fluentd|of-kibana/);
    assert.equal(statSync(join(folder, "login")).mode & 0o077, 0);
    return { status, output };
  };

  it("create the policy, the template, the data stream, Fluentd's role and the passwords in Elasticsearch", async () => {
    const { status, output } = await run("elasticsearch/setup.sh", () => ({}));
    assert.equal(status, 0, output);
    const template = readFileSync(join(projectFolder, "logging/elasticsearch/index-template.json"), "utf8");
    const hot = { actions: { rollover: { max_age: "1d", max_primary_shard_size: "512mb" } } };
    assert.deepEqual(
      requests.map(({ line, body }) => [line, body === "" ? "" : (JSON.parse(body) as unknown)]),
      [
        ["GET /_cluster/health?wait_for_status=yellow", ""],
        [
          "PUT /_ilm/policy/koa-blog-logs",
          { policy: { phases: { hot, delete: { min_age: "9d", actions: { delete: {} } } } } },
        ],
        ["PUT /_index_template/koa-blog-logs", JSON.parse(template)],
        ["PUT /_data_stream/logs-kubernetes-default", ""],
        [
          "PUT /_security/role/koa-blog-fluentd",
          { indices: [{ names: ["logs-kubernetes-default"], privileges: ["create_doc", "auto_configure"] }] },
        ],
        ["PUT /_security/user/koa-blog-fluentd", { password: "of-fluentd", roles: ["koa-blog-fluentd"] }],
        ["POST /_security/user/kibana_system/_password", { password: "of-kibana" }],
      ],
    );
  });

  const onDataStream = (type: string) => (request: Request) =>
    request.line.startsWith("PUT /_data_stream/") ? refusal(400, type) : {};

  it("accept a data stream that exists", async () => {
    const { status } = await run("elasticsearch/setup.sh", onDataStream("resource_already_exists_exception"));
    assert.equal(status, 0);
    assert.equal(requests.length, 7);
  });

  it("stop at the first request that Elasticsearch refuses, and print the reason", async () => {
    const { status, output } = await run("elasticsearch/setup.sh", onDataStream("illegal_argument_exception"));
    assert.notEqual(status, 0);
    assert.match(output, /the reason is illegal_argument_exception/);
    assert.equal(requests.length, 4);
  });

  it("retry a password that Elasticsearch refuses while it starts", async () => {
    const { status } = await run("elasticsearch/setup.sh", () =>
      requests.length === 1 ? refusal(401, "security_exception") : {},
    );
    assert.equal(status, 0);
  });

  it("stop with the reason if Elasticsearch keeps refusing the password", async () => {
    const { status, output } = await run("elasticsearch/setup.sh", () => refusal(401, "security_exception"));
    assert.notEqual(status, 0);
    assert.match(output, /the reason is security_exception/);
    assert.equal(requests.length, 2);
  });

  it("import the dashboard when Kibana is ready", async () => {
    const { status, output } = await run("kibana/setup.sh", () =>
      requests.length === 1 ? { status: 503, body: "Kibana server is not ready yet" } : { body: '{"success":true}' },
    );
    assert.equal(status, 0, output);
    const [, request] = requests;
    assert.equal(request?.line, "POST /api/saved_objects/_import?overwrite=true");
    assert.equal(request.xsrf, "true");
    assert.match(request.body, /name="file"; filename="dashboard\.ndjson"/);
    assert.ok(request.body.includes(readFileSync(join(projectFolder, "logging/kibana/dashboard.ndjson"), "utf8")));
  });

  it("fail with the reason if Kibana refuses an object", async () => {
    const body = '{"success":false,"errors":[{"type":"missing_references"}]}';
    const { status, output } = await run("kibana/setup.sh", () => ({ body }));
    assert.notEqual(status, 0);
    assert.match(output, /missing_references/);
  });

  for (const [title, free, size, status, deleted, message] of [
    ["delete no logs while 1500 MB are free", "1500", 300, 0, 0, /1500 MB are free/],
    ["delete only as many indices as necessary", "1000", 300, 0, 2, /1600 MB are free/],
    ["keep the newest index", "10", 300, 1, 3, /Only the newest index is left/],
    ["stop if a deletion frees nothing", "10", 0, 1, 1, /Deleting logs frees nothing/],
    ["delete no logs if the free space is unknown", "", 300, 1, 0, /Expected the free megabytes/],
    ["delete no logs if the free space has a unit", "10gb", 300, 1, 0, /Expected the free megabytes/],
    ["delete no logs if Elasticsearch fails", "down", 300, 1, 0, /Elasticsearch refuses the request: .*is down/],
  ] as const) {
    it(title, async () => {
      const all = ["1", "2", "3", "4"].map((day) => `.ds-logs-kubernetes-default-2026.11.2${day}-00000${day}`);
      let indices = all;
      let megabytes: string = free;
      const result = await run("elasticsearch/free-disk.sh", ({ line }) => {
        if (free === "down") return refusal(503, "down");
        if (line === "GET /_cat/nodes?h=disk.avail&bytes=mb") return { body: `${megabytes}\n` };
        if (line.startsWith("GET /_data_stream/logs-kubernetes-default")) {
          const names = indices.map((name) => ({ index_name: name }));
          return { body: JSON.stringify({ data_streams: [{ indices: names }] }) };
        }
        indices = indices.filter((name) => line !== `DELETE /${name}`);
        megabytes = String(Number(megabytes) + size);
        return {};
      });
      assert.match(result.output, message);
      assert.deepEqual(indices, all.slice(deleted));
      assert.equal(result.status, status);
    });
  }
});
