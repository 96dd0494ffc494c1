import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { listen } from "../../listen.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";

interface Seen {
  line: string;
  user: string;
  xsrf: string | string[] | undefined;
  type: string;
  text: string;
}

describe("apply.mts, which the set-up Jobs run", () => {
  const folder = temporaryFolder();
  let url: string;
  let seen: Seen[];
  let answers: { status: number; body: unknown }[];

  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const user = Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    const type = headers["content-type"] ?? "";
    seen.push({ line: `${method} ${url}`, user, xsrf: headers["kbn-xsrf"], type, text: await text(request) });
    const { status, body } = answers.shift() ?? { status: 200, body: {} };
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  before(async () => {
    writeFileSync(join(folder, "PASSWORD"), "of-elastic\n");
    writeFileSync(join(folder, "FLUENTD_PASSWORD"), 'with "quotes"');
    url = `http://127.0.0.1:${String(await listen(server))}`;
  });

  beforeEach(() => {
    seen = [];
    answers = [];
  });

  after(() => server.close());

  const apply = async (requests: { body?: object; [key: string]: unknown }[], patience = 10, target = url) => {
    const withFiles = requests.map(({ body, ...request }, index) => {
      if (!body) return request;
      const name = `${String(index)}.json`;
      writeFileSync(join(folder, name), JSON.stringify(body));
      return { ...request, body: name };
    });
    writeFileSync(join(folder, "requests.json"), JSON.stringify(withFiles));
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "components/logging/apply.mts", join(folder, "requests.json")],
      {
        env: {
          ...process.env,
          TARGET: target,
          USERNAME: "elastic",
          PASSWORD_FILE: join(folder, "PASSWORD"),
          FLUENTD_PASSWORD_FILE: join(folder, "FLUENTD_PASSWORD"),
          PATIENCE: String(patience),
        },
      },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const status = await new Promise((resolve) => child.on("close", resolve));
    return { status, output };
  };

  it("sends each request in turn, with the password of who sends it and those that it sets", async () => {
    const { status, output } = await apply([
      { method: "PUT", path: "/_security/user/a", body: { password: "$FLUENTD_PASSWORD", roles: ["$not a name"] } },
      { method: "PUT", path: "/_data_stream/b" },
    ]);
    assert.equal(status, 0, output);
    assert.equal(output, "PUT /_security/user/a: done\nPUT /_data_stream/b: done\n");
    const common = { user: "elastic:of-elastic", xsrf: "true" };
    assert.deepEqual(seen, [
      {
        ...common,
        line: "PUT /_security/user/a",
        type: "application/json",
        text: JSON.stringify({ password: 'with "quotes"', roles: ["$not a name"] }),
      },
      { ...common, line: "PUT /_data_stream/b", type: "", text: "" },
    ]);
  });

  it("waits for a target that is not ready", async () => {
    answers = [
      { status: 503, body: "Kibana server is not ready yet" },
      { status: 429, body: {} },
    ];
    const { status, output } = await apply([{ method: "GET", path: "/" }]);
    assert.equal(status, 0, output);
    assert.equal(seen.length, 3);
  });

  it("gives up on a target that does not become ready, and says what it did", async () => {
    const closed = createServer();
    const target = `http://127.0.0.1:${String(await listen(closed))}`;
    await new Promise((resolve) => closed.close(resolve));
    const { status, output } = await apply([{ method: "GET", path: "/" }], 1, target);
    assert.equal(status, 1);
    assert.ok(output.startsWith(`GET / at ${target}: `), output);
    assert.match(output, /ECONNREFUSED/);
  });

  it("fails at once when a request is refused, with the reason and without a password", async () => {
    answers = [{ status: 400, body: { error: { type: "illegal_argument", reason: "no such role" }, status: 400 } }];
    const { status, output } = await apply([
      { method: "PUT", path: "/_security/user/a", body: { password: "$FLUENTD_PASSWORD" } },
      { method: "GET", path: "/never" },
    ]);
    assert.equal(status, 1);
    assert.match(output, /PUT \/_security\/user\/a at .*: 400 no such role/);
    assert.ok(!output.includes("quotes") && !output.includes("of-elastic"), output);
    assert.equal(seen.length, 1);
  });

  it("hopes for a while that a password is accepted, as Elasticsearch refuses each when it starts", async () => {
    const error = { type: "security_exception", reason: "wrong password" };
    const refusal = { status: 401, body: { error, status: 401 } };
    answers = [refusal];
    assert.equal((await apply([{ method: "GET", path: "/" }])).status, 0);
    answers = [refusal, refusal, refusal, refusal];
    const { status, output } = await apply([{ method: "GET", path: "/" }], 1);
    assert.equal(status, 1);
    assert.match(output, /GET \/ at .*: 401 wrong password/);
  });

  it("takes an error for done where the request says so", async () => {
    const exists = { error: { type: "resource_already_exists_exception", reason: "it is there" } };
    answers = [{ status: 400, body: exists }];
    const request = { method: "PUT", path: "/_data_stream/b", accept: "resource_already_exists_exception" };
    assert.equal((await apply([request])).status, 0);
    answers = [{ status: 400, body: exists }];
    assert.equal((await apply([{ ...request, accept: undefined }])).status, 1);
  });

  it("sends saved objects as the file that Kibana exported, and fails if Kibana does not take each", async () => {
    writeFileSync(join(folder, "objects.ndjson"), '{"id":1}\n{"id":2}\n');
    const request = { method: "POST", path: "/_import", savedObjects: "objects.ndjson" };
    assert.equal((await apply([request])).status, 0);
    assert.match(seen[0]?.type ?? "", /^multipart\/form-data/);
    assert.match(
      seen[0]?.text ?? "",
      /name="file"; filename="objects\.ndjson"[^]*\r\n\r\n\{"id":1\}\n\{"id":2\}\n\r\n/,
    );
    answers = [{ status: 200, body: { success: false, errors: [{ id: "2", error: { type: "missing_references" } }] } }];
    const { status, output } = await apply([request]);
    assert.equal(status, 1);
    assert.match(output, /missing_references/);
  });
});
