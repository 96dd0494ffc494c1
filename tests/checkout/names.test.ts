import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { basename } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";

describe("The names of TypeScript files", () => {
  it("are in camelCase", () => {
    const files = execFileSync("git", ["ls-files", "*.ts", "*.mts"], { cwd: projectFolder, encoding: "utf8" });
    const others = files
      .split("\n")
      .filter((file) => file && !/^[a-z][A-Za-z0-9]*(\.test|\.d)?\.m?ts$/.test(basename(file)));
    // The names of migrations begin with their number.
    assert.deepEqual(
      others.filter((file) => !/^db\/migrations\/\d/.test(file)),
      [],
    );
  });
});
