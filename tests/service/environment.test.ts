import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { migrationVariables, parseEnvironment, serviceVariables } from "../../service/environment.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const key = "n".repeat(32);
const complete = {
  MYSQL_HOST: "db",
  MYSQL_DATABASE: "blog",
  MYSQL_USER: "flaskr",
  MYSQL_PASSWORD: "the-password",
  SESSION_KEYS: key,
};

describe("The environment", () => {
  it("has the variables and defaults of service/README.md", () => {
    const readme = readFileSync(new URL("../../service/README.md", import.meta.url), "utf8");
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` *\| *([^ |]*) *\|/gm)].map(([, ...row]) => row);
    const names = [...Object.keys(serviceVariables.shape), ...Object.keys(migrationVariables.shape)];
    assert.deepEqual(rows.map(([name]) => name).sort(), [...new Set(names)].sort());

    const schemas = [migrationVariables, serviceVariables] as const;
    const values = Object.assign({}, ...schemas.map((schema) => parseEnvironment(schema, complete))) as object;
    const defaults = Object.entries(values).filter(([name]) => !(name in complete));
    assert.deepEqual(
      Object.fromEntries(defaults.map(([name, value]) => [name, String(value)])),
      Object.fromEntries(rows.filter(([, value]) => value !== "")),
    );
  });

  it("reads several keys, and X from the file X_FILE without its last newline", () => {
    const file = join(temporaryFolder(), "password");
    writeFileSync(file, " pass\nword \n");
    const keys = `${key},${"o".repeat(32)}`;
    const environment = { ...complete, SESSION_KEYS: keys, MYSQL_PASSWORD: "", MYSQL_PASSWORD_FILE: file };
    const { SESSION_KEYS, MYSQL_PASSWORD } = parseEnvironment(serviceVariables, environment);
    assert.deepEqual(SESSION_KEYS, keys.split(","));
    assert.equal(MYSQL_PASSWORD, " pass\nword ");
  });

  it("is refused with every wrong and missing variable in one message, without values", () => {
    const wrong = {
      MYSQL_HOST: "",
      MYSQL_PORT: "0",
      MYSQL_CA: "a-secret",
      LOG_LEVEL: "secret",
      PORT: "80-secret",
      SESSION_KEYS: `${key},short-secret`,
      SESSION_COOKIE: "a;secret",
      COOKIE_SECURE: "secret",
      ORIGIN: "secret.example",
      TRUSTED_PROXIES: "10",
    };
    const files = { MYSQL_PASSWORD: "secret", MYSQL_PASSWORD_FILE: "/a/file", MYSQL_USER_FILE: "/no/such/file" };
    const check = () => parseEnvironment(serviceVariables, { ...wrong, ...files });
    assert.throws(check, ({ message }: Error) => {
      const names = [...message.matchAll(/✖ .+\n {2}→ at (\w+)/g)].map(([, name]) => name);
      assert.deepEqual(names.sort(), [...Object.keys(wrong), "MYSQL_DATABASE"].sort());
      assert.match(message, /✖ MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are both set\. Remove one of them\./);
      assert.match(message, /✖ MYSQL_USER_FILE cannot be read \(ENOENT\)\. Set it to the path of a readable file\./);
      assert.doesNotMatch(message, /secret/);
      return true;
    });
  });
});
