import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("A checkout", () => {
  it("by Git for Windows has no CR before a line's end, which no shell in a container would take", () => {
    const folder = temporaryFolder();
    const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { stdio: "pipe" });
    git("init", "--quiet");
    git("config", "core.autocrlf", "true");
    const files = ["db/start-mysql.sh", "components/kind/scripts/createCluster.sh", "db/schema.sql", "docs/blog.png"];
    git("--work-tree", projectFolder, "add", ".gitattributes", ...files);
    git("checkout-index", "--all");
    for (const file of files) {
      assert.deepEqual(readFileSync(join(folder, file)), readFileSync(join(projectFolder, file)), file);
    }
  });

  it("has shell scripts that satisfy ShellCheck", function () {
    const options = { cwd: projectFolder, encoding: "utf8" } as const;
    const files = execFileSync("git", ["ls-files", "*.sh", ".ci/run"], options).split("\n").filter(Boolean);
    const { error, stdout } = spawnSync("shellcheck", ["--severity=warning", ...files], options);
    if (error) {
      console.log(`      skipped: ShellCheck does not run (${error.message})`);
      this.skip();
    }
    assert.equal(stdout, "");
  });
});
