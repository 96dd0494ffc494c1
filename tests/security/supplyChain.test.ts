import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

// tests/e2e searches the built image and the running containers for the secrets of a stack.
describe("The images", () => {
  for (const recipe of ["service/Dockerfile", "db/Dockerfile"]) {
    it(`of ${recipe} take no secret, download nothing but packages, and run without root`, () => {
      const instructions = readFileSync(recipe, "utf8")
        .replaceAll(/^\s*#.*$/gm, "")
        .replaceAll(/\\\n/g, " ")
        .split("\n");
      const user = instructions.filter((line) => line.startsWith("USER ")).at(-1);
      assert.match(user ?? "", /^USER [1-9]\d*:[1-9]\d*$/);
      for (const line of instructions) {
        assert.doesNotMatch(line, /^(ARG|ENV|RUN) .*(PASSWORD|SECRET|TOKEN|SESSION_KEYS|PRIVATE|CREDENTIAL)/i);
        assert.doesNotMatch(line, /^ADD\s|\bcurl\b|\bwget\b/);
      }
    });
  }

  it("are built only from package.json, package-lock.json, service/ and db/", () => {
    const lines = readFileSync(".dockerignore", "utf8").split("\n");
    const patterns = lines.filter((line) => line === "*" || line.startsWith("!"));
    assert.deepEqual(patterns, ["*", "!package.json", "!package-lock.json", "!service/**", "!db/**"]);
  });
});

/** The output of `npm audit --json`, a report or an error. */
interface Audit {
  vulnerabilities?: Record<string, { name: string; severity: string; range: string }>;
  message?: string;
}

describe("The packages", () => {
  it("have no vulnerability that npm audit knows", function () {
    const { stdout } = spawnSync("npm", ["audit", "--json", "--fetch-retries=1"], { encoding: "utf8" });
    const { vulnerabilities, message } = JSON.parse(stdout || "{}") as Audit;
    if (vulnerabilities === undefined) {
      console.log(`    skipped, the registry gives no report: ${message ?? "no answer"}`);
      this.skip();
    }
    const found = Object.values(vulnerabilities).map(({ name, severity, range }) => `${severity}: ${name} ${range}`);
    assert.deepEqual(found, []);
  });
});
