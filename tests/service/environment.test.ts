import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseEnvironment } from "../../service/environment.ts";
import { serviceVariables } from "../../service/environment.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const complete = {
  MYSQL_HOST: "db",
  MYSQL_DATABASE: "blog",
  MYSQL_USER: "flaskr",
  MYSQL_PASSWORD: "the-password",
  SESSION_KEYS: "n".repeat(32),
};

function problemsOf(environment: Record<string, string>): string[] {
  try {
    parseEnvironment(serviceVariables, environment);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message.split("\n").slice(1);
  }
  return [];
}

describe("The environment", () => {
  const directory = temporaryFolder();

  it("needs five variables, and has defaults for the others", () => {
    assert.deepEqual(parseEnvironment(serviceVariables, complete), {
      ...complete,
      MYSQL_PORT: 3306,
      LOG_LEVEL: "info",
      PORT: 5000,
      METRICS_PORT: 9464,
      SESSION_KEYS: ["n".repeat(32)],
      COOKIE_SECURE: false,
      REGISTRATIONS_PER_HOUR: 100,
      TRUSTED_PROXIES: 0,
      SHUTDOWN_GRACE: 25,
    });
  });

  it("may hold every variable, and ignores others", () => {
    const keys = `${"n".repeat(32)},${"o".repeat(32)}`;
    const config = parseEnvironment(serviceVariables, {
      ...complete,
      MYSQL_PORT: "3307",
      LOG_LEVEL: "debug",
      PORT: "0",
      METRICS_PORT: "65535",
      SESSION_KEYS: keys,
      COOKIE_SECURE: "true",
      REGISTRATIONS_PER_HOUR: "7",
      TRUSTED_PROXIES: "1",
      SHUTDOWN_GRACE: "0",
      PATH: "/bin",
    });
    assert.deepEqual(config, {
      ...complete,
      MYSQL_PORT: 3307,
      LOG_LEVEL: "debug",
      PORT: 0,
      METRICS_PORT: 65535,
      SESSION_KEYS: keys.split(","),
      COOKIE_SECURE: true,
      REGISTRATIONS_PER_HOUR: 7,
      TRUSTED_PROXIES: 1,
      SHUTDOWN_GRACE: 0,
    });
  });

  it("may give each variable as a file, whose trailing newline does not count", () => {
    const file = join(directory, "password");
    writeFileSync(file, " pass\nword \n");
    const config = parseEnvironment(serviceVariables, { ...complete, MYSQL_PASSWORD: "", MYSQL_PASSWORD_FILE: file });
    assert.equal(config.MYSQL_PASSWORD, " pass\nword ");
  });

  it("is reported as a whole: each missing or wrong variable in one message, each with its remedy", () => {
    const problems = problemsOf({
      MYSQL_HOST: "",
      MYSQL_PASSWORD: "the-password",
      MYSQL_PASSWORD_FILE: "/a/file",
      MYSQL_USER_FILE: join(directory, "missing"),
      PORT: "80a",
      SESSION_KEYS: "short",
      LOG_LEVEL: "loud",
    });
    const expected = [
      /^ {2}MYSQL_USER_FILE cannot be read \(ENOENT\)\. Set it to the path of a readable file\.$/,
      /^ {2}MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are both set\. Remove one of them\.$/,
      /^ {2}MYSQL_HOST is missing\. Set it to .+, or MYSQL_HOST_FILE to a file with the value\.$/,
      /^ {2}MYSQL_DATABASE is missing\. Set it to /,
      /^ {2}LOG_LEVEL is not valid\. Set it to one of .+, or remove it to use the default\.$/,
      /^ {2}PORT is not valid\. Set it to a whole number from 0 to 65535, or remove it to use the default\.$/,
      /^ {2}SESSION_KEYS is not valid\. Set it to comma-separated keys of at least 32 characters each/,
    ];
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [i, pattern] of expected.entries()) assert.match(problems[i] ?? "", pattern);
  });

  it("is reported without a value, which might be a secret", () => {
    const message = problemsOf({ ...complete, SESSION_KEYS: "my-short-secret", MYSQL_PORT: "7-secret" }).join();
    assert.match(message, /SESSION_KEYS.+MYSQL_PORT|MYSQL_PORT.+SESSION_KEYS/);
    assert.doesNotMatch(message, /secret/);
  });

  for (const [name, value] of [
    ["MYSQL_PORT", "0"],
    ["MYSQL_PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "1e3"],
    ["PORT", " 80"],
    ["COOKIE_SECURE", "yes"],
    ["SHUTDOWN_GRACE", "1.5"],
    ["REGISTRATIONS_PER_HOUR", "-1"],
    ["TRUSTED_PROXIES", "10"],
    ["SESSION_KEYS", `${"n".repeat(32)},${"o".repeat(31)}`],
    ["SESSION_KEYS", `${"n".repeat(32)},`],
    ["LOG_LEVEL", "INFO"],
  ] as const) {
    it(`must not have ${name}=${value}`, () => {
      const problems = problemsOf({ ...complete, [name]: value });
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", new RegExp(`^  ${name} is not valid\\. Set it to `));
    });
  }
});
