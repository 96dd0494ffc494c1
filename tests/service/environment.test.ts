import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseEnvironment, serviceVariables } from "../../service/environment.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const complete = {
  MYSQL_HOST: "db",
  MYSQL_DATABASE: "blog",
  MYSQL_USER: "flaskr",
  MYSQL_PASSWORD: "the-password",
  SESSION_KEYS: "n".repeat(32),
};

/** The error message for an environment. */
function errorFor(environment: Record<string, string>): string {
  try {
    parseEnvironment(serviceVariables, environment);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
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
      SESSION_COOKIE: "session",
      COOKIE_SECURE: false,
      REGISTRATIONS_PER_HOUR: 100,
      TRUSTED_PROXIES: 0,
      SHUTDOWN_GRACE: 25,
    });
  });

  it("sets every variable, and ignores others", () => {
    const keys = ["n".repeat(32), "o".repeat(32)];
    const numbers = { MYSQL_PORT: 3307, PORT: 0, METRICS_PORT: 65535, REGISTRATIONS_PER_HOUR: 0, TRUSTED_PROXIES: 1 };
    const strings = { LOG_LEVEL: "debug", SESSION_COOKIE: "session-1", ORIGIN: "https://blog.example" };
    const environment = {
      ...complete,
      ...strings,
      ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
      SESSION_KEYS: keys.join(),
      COOKIE_SECURE: "true",
      SHUTDOWN_GRACE: "0",
      PATH: "/bin",
    };
    const expected = {
      ...complete,
      ...strings,
      ...numbers,
      SESSION_KEYS: keys,
      COOKIE_SECURE: true,
      SHUTDOWN_GRACE: 0,
    };
    assert.deepEqual(parseEnvironment(serviceVariables, environment), expected);
  });

  it("reads X from the file X_FILE, without its trailing newline", () => {
    const file = join(directory, "password");
    writeFileSync(file, " pass\nword \n");
    const environment = parseEnvironment(serviceVariables, {
      ...complete,
      MYSQL_PASSWORD: "",
      MYSQL_PASSWORD_FILE: file,
    });
    assert.equal(environment.MYSQL_PASSWORD, " pass\nword ");
  });

  it("reports every wrong and missing variable in one message, without values", () => {
    const message = errorFor({
      MYSQL_HOST: "",
      MYSQL_PASSWORD: "my-secret",
      MYSQL_PASSWORD_FILE: "/a/file",
      MYSQL_USER_FILE: join(directory, "missing"),
      MYSQL_CA: "a-secret",
      PORT: "80-secret",
      SESSION_KEYS: "short-secret",
      SESSION_COOKIE: "a secret",
      ORIGIN: "secret",
      COOKIE_SECURE: "secret",
      LOG_LEVEL: "secret",
    });
    const names = [...message.matchAll(/→ at (\w+)|✖ (\w+_FILE|\w+ and \w+_FILE) /g)].map(([, ...found]) =>
      found.join(""),
    );
    assert.deepEqual(names.sort(), [
      ...["COOKIE_SECURE", "LOG_LEVEL", "MYSQL_CA", "MYSQL_DATABASE", "MYSQL_HOST"],
      ...[
        "MYSQL_PASSWORD and MYSQL_PASSWORD_FILE",
        "MYSQL_USER_FILE",
        "ORIGIN",
        "PORT",
        "SESSION_COOKIE",
        "SESSION_KEYS",
      ],
    ]);
    assert.match(message, /MYSQL_USER_FILE cannot be read \(ENOENT\)\. Set it to the path of a readable file\./);
    assert.match(message, /Remove one of them\./);
    assert.doesNotMatch(message, /secret/);
  });

  for (const [name, value] of [
    ["MYSQL_PORT", "0"],
    ["MYSQL_PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80a"],
    ["COOKIE_SECURE", "maybe"],
    ["SHUTDOWN_GRACE", "1.5"],
    ["REGISTRATIONS_PER_HOUR", "-1"],
    ["TRUSTED_PROXIES", "10"],
    ["SESSION_KEYS", `${"n".repeat(32)},${"o".repeat(31)}`],
    ["SESSION_KEYS", `${"n".repeat(32)},`],
    ["SESSION_COOKIE", "a;b"],
    ["ORIGIN", "blog.example"],
    ["ORIGIN", "ftp://blog.example"],
    ["LOG_LEVEL", "INFO"],
  ] as const) {
    it(`refuses ${name}=${value}`, () => {
      const message = errorFor({ ...complete, [name]: value });
      assert.match(message, new RegExp(`^.+\\n✖ .+\\n {2}→ at ${name}(\\[\\d\\])?$`));
    });
  }
});
