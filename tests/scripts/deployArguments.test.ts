import assert from "node:assert/strict";

import { checkRootPassword, parseDeployArguments, usage } from "../../scripts/lib/deployArguments.ts";

const complete = ["--network", "net", "--mysql", "mysql:9.7.2", "--blog", "koa-blog"];

const refusal = (args: string[]): string => {
  try {
    parseDeployArguments(args);
  } catch (error) {
    assert.ok(error instanceof Error);
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
      values: { network: "net", mysqlImage: "mysql:9.7.2", blogImage: "koa-blog", hostPort: "5000" },
    });
    const more = parseDeployArguments([...complete, "--port", "8080", "--prune", "--volumes"]);
    assert.deepEqual([more.values.hostPort, more.prune, more.volumes, more.password], ["8080", true, true, undefined]);
  });

  it("are all named that are missing or wrong", () => {
    assert.equal(
      refusal(["--port", "http", "--volumes"]),
      [
        "--network is missing",
        "--mysql is missing",
        "--blog is missing",
        "--port http: expected a whole number from 1 to 65535",
        "--volumes needs --prune",
      ].join("\n"),
    );
    assert.match(
      refusal([...complete, "--mysql", "mysql:latest"]),
      /^--mysql mysql:latest: expected an image reference with a tag other than latest/,
    );
    assert.match(refusal([...complete, "--blog", "Koa Blog"]), /^--blog Koa Blog: expected an image's name/);
    for (const port of ["0", "65536", "-1", "1.5", ""])
      assert.match(refusal([...complete, `--port=${port}`]), /^--port/);
  });

  it("are refused when unknown, or without a value", () => {
    assert.match(refusal([...complete, "--flask", "x"]), /^Unknown option '--flask'/);
    assert.match(refusal(["--network"]), /--network/);
  });

  it("do without a password that MySQL cannot take, and do not repeat it", () => {
    for (const [password, message] of [
      [undefined, /--password is missing/],
      ["", /--password is missing/],
      ["hunter2", /expected 8 to 256 characters/],
      ["it's a password", /without quotes and backslashes/],
    ] as const) {
      assert.throws(
        () => {
          checkRootPassword(password);
        },
        (error: Error) => message.test(error.message) && (!password || !error.message.includes(password)),
      );
    }
    checkRootPassword("correct horse");
  });

  it("never show a password that went astray", () => {
    assert.equal(refusal([...complete, "--password", "first", "hunter2"]), "One argument belongs to no flag");
  });
});
