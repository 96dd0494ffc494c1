import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

interface Vulnerability {
  name: string;
  severity: string;
  range: string;
}

/** The output of `npm audit --json`, a report or an error. */
interface Audit {
  vulnerabilities?: Record<string, Vulnerability>;
  message?: string;
  error?: { summary?: string };
}

describe("The packages", function () {
  this.timeout(120_000);

  it("have no fault that the registry knows of", function () {
    const { stdout, stderr } = spawnSync("npm", ["audit", "--json"], { encoding: "utf8" });
    const { vulnerabilities, message, error } = JSON.parse(stdout || "{}") as Audit;
    if (vulnerabilities === undefined) {
      const reason = [message, error?.summary, stderr.trim().split("\n").at(-1)].find(Boolean);
      console.log(`    skipped, the registry gives no report: ${reason ?? "no answer"}`);
      this.skip();
    }
    const faults = Object.values(vulnerabilities).map(({ name, severity, range }) => `${severity}: ${name} ${range}`);
    assert.deepEqual(faults, []);
  });
});
