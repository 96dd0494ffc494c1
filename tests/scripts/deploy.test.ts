import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("scripts/deploy.sh", () => {
  it("says before the build that the port is in use, with the command for another one", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "bin"));
    const docker = `#!/bin/sh
echo "$*" >>"${folder}/calls"
case $1 in
run) echo "Bind for 0.0.0.0:8080 failed: port is already allocated" >&2; exit 125 ;;
network | container | volume) exit 1 ;;
esac`;
    writeFileSync(join(folder, "bin/docker"), docker, { mode: 0o755 });
    const args = ["--network", "blog", "--mysql", "mysql:9.7.2", "--blog", "koa-blog", "--password", "long-enough"];
    const env = { PATH: `${join(folder, "bin")}:${process.env.PATH ?? ""}` };
    const { status, stderr } = spawnSync(join(projectFolder, "scripts/deploy.sh"), args, { encoding: "utf8", env });
    assert.equal(status, 1);
    assert.match(stderr, /port is already allocated\n.* port 8080\. If the port is in use: BLOG_PORT=8081 scripts/);
    assert.doesNotMatch(readFileSync(join(folder, "calls"), "utf8"), /^build/m);
  });
});
