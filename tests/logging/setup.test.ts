import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

import { projectFolder } from "../../scripts/lib/project.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const elasticPassword = 'a "quoted" \\ pass%word$1';

interface Seen {
  line: string;
  user: string;
  xsrf: string | string[] | undefined;
  body: string;
}

describe("The set-up scripts", function () {
  this.timeout(30_000);
  const secrets = temporaryFolder();
  let url: string;
  let seen: Seen[];
  /** Answers to the next requests. All later requests are accepted. */
  let answers: { status: number; body: string }[];

  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const user = Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    seen.push({ line: `${method} ${path}`, user, xsrf: headers["kbn-xsrf"], body: await text(incoming) });
    const { status, body } = answers.shift() ?? { status: 200, body: '{"success":true}' };
    response.writeHead(status).end(body);
  });

  before(async () => {
    writeFileSync(join(secrets, "ELASTIC_PASSWORD"), elasticPassword);
    writeFileSync(join(secrets, "FLUENTD_PASSWORD"), "of-fluentd");
    writeFileSync(join(secrets, "KIBANA_PASSWORD"), "of-kibana");
    url = `http://127.0.0.1:${String(await listen(server))}`;
  });

  beforeEach(() => {
    seen = [];
    answers = [];
  });

  after(() => server.close());

  /** Runs a script with a file for its login in a folder of its own, and with shorter retries. */
  const run = async (folder: "elasticsearch" | "kibana") => {
    const files = temporaryFolder();
    const source = join(projectFolder, "logging", folder);
    const script = readFileSync(join(source, "setup.sh"), "utf8");
    const shortened = script.replaceAll("/tmp/", `${files}/`).replace("--retry 90 --retry-delay 2", "--retry 2");
    writeFileSync(join(files, "setup.sh"), shortened.replace('cd "$(dirname "$0")"', `cd "${source}"`));
    const env = { ...process.env, URL: url, SECRETS: secrets, RETENTION_DAYS: "9", ROLLOVER_SIZE: "512mb" };
    return await promisify(execFile)("sh", [join(files, "setup.sh")], { env }).then(
      ({ stdout, stderr }) => ({ status: 0, output: stdout + stderr }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { status: code, output: stdout + stderr };
      },
    );
  };

  const refused = (status: number, type: string) => ({
    status,
    body: JSON.stringify({ error: { type, reason: `the reason is ${type}` }, status }),
  });

  it("ask Elasticsearch for a policy, a template, the stream, a role and the passwords", async () => {
    const { status, output } = await run("elasticsearch");
    assert.equal(status, 0, output);
    assert.ok(!/of-fluentd|of-kibana|quoted/.test(output), output);
    assert.deepEqual(
      seen.map(({ line, user }) => [line, user]),
      [
        "GET /_cluster/health?wait_for_status=yellow",
        "PUT /_ilm/policy/koa-blog-logs",
        "PUT /_index_template/koa-blog-logs",
        "PUT /_data_stream/logs-kubernetes-default",
        "PUT /_security/role/koa-blog-fluentd",
        "PUT /_security/user/koa-blog-fluentd",
        "POST /_security/user/kibana_system/_password",
      ].map((line) => [line, `elastic:${elasticPassword}`]),
    );
    const bodies = seen.map(({ body }) => (body === "" ? undefined : (JSON.parse(body) as unknown)));
    const template = readFileSync(join(projectFolder, "logging/elasticsearch/index-template.json"), "utf8");
    assert.deepEqual(bodies, [
      undefined,
      {
        policy: {
          phases: {
            hot: { actions: { rollover: { max_age: "1d", max_primary_shard_size: "512mb" } } },
            delete: { min_age: "9d", actions: { delete: {} } },
          },
        },
      },
      JSON.parse(template),
      undefined,
      { indices: [{ names: ["logs-kubernetes-default"], privileges: ["create_doc", "auto_configure"] }] },
      { password: "of-fluentd", roles: ["koa-blog-fluentd"] },
      { password: "of-kibana" },
    ]);
  });

  it("accept a data stream that exists, and no other refusal", async () => {
    const accepted = Array.from({ length: 3 }, () => ({ status: 200, body: "{}" }));
    answers = [...accepted, refused(400, "resource_already_exists_exception")];
    assert.equal((await run("elasticsearch")).status, 0);
    assert.equal(seen.length, 7);
    seen = [];
    answers = [...accepted, refused(400, "illegal_argument_exception")];
    const { status, output } = await run("elasticsearch");
    assert.notEqual(status, 0);
    assert.match(output, /the reason is illegal_argument_exception/);
    assert.equal(seen.length, 4);
  });

  it("wait until the password is accepted, and end with the reason if it is not", async () => {
    const wrong = refused(401, "security_exception");
    answers = [wrong, refused(503, "cluster_block_exception")];
    assert.equal((await run("elasticsearch")).status, 0);
    answers = [wrong, wrong, wrong];
    seen = [];
    const { status, output } = await run("elasticsearch");
    assert.notEqual(status, 0);
    assert.match(output, /the reason is security_exception/);
    assert.equal(seen.length, 3);
  });

  it("import the dashboard into Kibana when it is ready", async () => {
    answers = [{ status: 503, body: "Kibana server is not ready yet" }];
    const { status, output } = await run("kibana");
    assert.equal(status, 0, output);
    const [, { line, user, xsrf, body } = { line: "", user: "", xsrf: "", body: "" }] = seen;
    assert.deepEqual(
      { line, user, xsrf },
      {
        line: "POST /api/saved_objects/_import?overwrite=true",
        user: `elastic:${elasticPassword}`,
        xsrf: "true",
      },
    );
    assert.match(body, /name="file"; filename="dashboard\.ndjson"/);
    const dashboard = readFileSync(join(projectFolder, "logging/kibana/dashboard.ndjson"), "utf8");
    assert.ok(body.includes(dashboard));
  });

  it("fail with the reason if Kibana refuses an object", async () => {
    answers = [{ status: 200, body: '{"success":false,"errors":[{"type":"missing_references"}]}' }];
    const { status, output } = await run("kibana");
    assert.notEqual(status, 0);
    assert.match(output, /missing_references/);
  });
});
