import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

import { projectFolder } from "../../scripts/lib/project.ts";

describe("The shell scripts", () => {
  it("satisfy ShellCheck", function () {
    const scripts = execFileSync("git", ["ls-files", "*.sh", ".ci/run"], { cwd: projectFolder, encoding: "utf8" });
    const files = scripts.split("\n").filter(Boolean);
    assert.ok(files.includes("db/start-mysql.sh") && files.includes("components/kind/scripts/createCluster.sh"));
    const { error, stdout } = spawnSync("shellcheck", ["--severity=warning", ...files], {
      cwd: projectFolder,
      encoding: "utf8",
    });
    if (error) {
      console.log(`      skipped: ShellCheck does not run (${error.message})`);
      this.skip();
    }
    assert.equal(stdout, "");
  });
});
