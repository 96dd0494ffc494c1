import assert from "node:assert/strict";

import { createLogger, errorFields } from "../../service/log.ts";

describe("A log line", () => {
  const logged = (write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> => {
    const lines: string[] = [];
    write(createLogger("trace", { write: (line) => void lines.push(line) }));
    assert.equal(lines.length, 1);
    return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  };
  const sqlError = Object.assign(new TypeError("no"), { code: "ER_DUP_ENTRY", sql: "INSERT … VALUES ('secret')" });

  it("has the field names of the Elastic Common Schema, and says so", () => {
    const { "@timestamp": time, ...line } = logged((log) => {
      log.info({ event: { duration: 5 } }, "hello");
    });
    assert.equal(new Date(String(time)).toISOString(), time);
    assert.deepEqual(line, {
      "ecs.version": "8.17.0",
      log: { level: "info" },
      event: { duration: 5 },
      message: "hello",
    });
  });

  it("has an error's type, code, message and stack, and not the SQL with its values", () => {
    const expected = { type: "TypeError", code: "ER_DUP_ENTRY", message: "no", stack_trace: sqlError.stack };
    for (const write of [{ error: sqlError }, { error: errorFields(sqlError) }, { err: sqlError }]) {
      const line = logged((log) => {
        log.error(write, "failed");
      });
      assert.deepEqual(line.error ?? line.err, expected);
      assert.equal(line.message, "failed");
    }
  });

  it("has a code of its own in the place of the error's, and a code without an error", () => {
    assert.equal(errorFields(sqlError, "BACKUP_FAILED").code, "BACKUP_FAILED");
    assert.deepEqual(errorFields("text", "CODE"), { message: "text", code: "CODE" });
    const line = logged((log) => {
      log.warn({ error: { code: "CODE" } }, "failed");
    });
    assert.deepEqual(line.error, { code: "CODE" });
  });
});
