import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

it("Compose shares no container, volume, network or image with another COMPOSE_PROJECT_NAME", function () {
  if (spawnSync("docker", ["compose", "version"]).status !== 0) this.skip();
  const folder = temporaryFolder();
  cpSync(join(projectFolder, "compose.yaml"), join(folder, "compose.yaml"));
  const names = (environment: string) => {
    writeFileSync(join(folder, ".env"), environment);
    const { PATH, HOME } = process.env;
    const config = execFileSync("docker", ["compose", "config"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH, HOME },
    });
    return config.match(/^ *(name|image): .*$/gm) ?? [];
  };
  const own = names("");
  assert.ok(own.length > 5);
  const other = own.map((name) => name.replace("koa-blog", "other"));
  assert.deepEqual(names("COMPOSE_PROJECT_NAME=other\n"), other);
});

it("scripts/deploy.sh says before the build that the port is in use, with the command for another one", () => {
  const folder = temporaryFolder();
  const docker = `case $1 in
build) touch ${folder}/built ;;
run) echo "port is already allocated" >&2; exit 125 ;;
*) exit 1 ;;
esac`;
  writeFileSync(join(folder, "docker"), `#!/bin/sh\n[ "$1" != ps ] || exit 0\n${docker}\n`, { mode: 0o755 });
  const args = ["--network", "blog", "--mysql", "mysql:9.7.2", "--blog", "koa-blog", "--password", "long-enough"];
  const env = { PATH: `${folder}:${process.env.PATH ?? ""}` };
  const { status, stderr } = spawnSync(join(projectFolder, "scripts/deploy.sh"), args, { encoding: "utf8", env });
  assert.equal(status, 1);
  assert.match(stderr, /port is already allocated\n.* port 8080\. If the port is in use: BLOG_PORT=8081 scripts/);
  assert.ok(!existsSync(join(folder, "built")));
});
