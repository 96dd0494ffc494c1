import assert from "node:assert/strict";

import { parseDeployArguments, UsageError, usage } from "../../scripts/lib/deployArguments.ts";

const complete = ["--network", "net", "--mysql", "mysql:9.7.2", "--blog", "koa-blog"];

const refusal = (args: string[]): string => {
  try {
    parseDeployArguments(args);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.ok(error.message.endsWith(usage));
    return error.message.slice(0, -usage.length).trim();
  }
  assert.fail(`${args.join(" ")} was accepted`);
};

describe("The flags of npm run deploy", () => {
  it("become settings of the stack, with port 5000 by default", () => {
    assert.deepEqual(parseDeployArguments([...complete, "--password", "secret"]), {
      prune: false,
      volumes: false,
      password: "secret",
      values: { network: "net", mysqlImage: "mysql:9.7.2", blogImage: "koa-blog", hostPort: 5000 },
    });
    const more = parseDeployArguments([...complete, "--port", "8080", "--prune", "--volumes"]);
    assert.deepEqual([more.values.hostPort, more.prune, more.volumes, more.password], [8080, true, true, undefined]);
  });

  it("are all named that are missing or wrong", () => {
    assert.equal(
      refusal(["--port", "http", "--volumes"]),
      [
        "--network NAME is missing",
        "--mysql IMAGE is missing",
        "--blog IMAGE is missing",
        "--port http is not a port, 1 to 65535",
        "--volumes goes with --prune",
      ].join("\n"),
    );
    for (const port of ["0", "65536", "-1", "1.5", ""])
      assert.match(refusal([...complete, `--port=${port}`]), /^--port/);
  });

  it("are refused when unknown, or without a value", () => {
    assert.match(refusal([...complete, "--flask", "x"]), /^Unknown option '--flask'/);
    assert.match(refusal(["--network"]), /--network/);
  });

  it("never show a password that went astray", () => {
    assert.equal(refusal([...complete, "--password", "first", "hunter2"]), "There is a text that belongs to no flag");
  });
});
