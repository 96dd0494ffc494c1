import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

// tests/e2e/compose.test.ts and tests/e2e/deploy.test.ts search the built image and the running containers
// (docker history, docker inspect, files) for the secrets of a stack.
const secretNames = /PASSWORD|SECRET|TOKEN|SESSION_KEYS|PRIVATE|CREDENTIAL/i;

describe("The recipe of an image", () => {
  const recipes = ["service/Dockerfile", "db/Dockerfile"];

  for (const recipe of recipes) {
    const instructions = readFileSync(recipe, "utf8")
      .replaceAll(/^\s*#.*$/gm, "")
      .replaceAll(/\\\n/g, " ")
      .split("\n")
      .filter((line) => line.trim() !== "");

    it(`${recipe} takes no secret by an argument or a variable, and downloads nothing by itself`, () => {
      for (const line of instructions) {
        if (!line.startsWith("COPY ")) assert.doesNotMatch(line, secretNames);
        assert.doesNotMatch(line, /^ADD\s|\bcurl\b|\bwget\b/);
      }
    });

    it(`${recipe} ends as a user who is not root`, () => {
      const user = instructions.filter((line) => line.startsWith("USER ")).at(-1);
      assert.match(user ?? "", /^USER [1-9]\d*:[1-9]\d*$/);
    });
  }

  it("sees nothing of the project but what it names: no state, settings, environment or history", () => {
    const lines = readFileSync(".dockerignore", "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.equal(lines[0], "*");
    const included = lines.filter((line) => line.startsWith("!"));
    assert.deepEqual(included, ["!package.json", "!package-lock.json", "!service/**", "!db/**"]);
    const copied = readFileSync("service/Dockerfile", "utf8").match(/^COPY (?!--from).*$/gm);
    assert.deepEqual(copied, [
      "COPY package.json package-lock.json ./",
      "COPY service/package.json service/",
      "COPY db db",
      "COPY service service",
    ]);
  });
});
