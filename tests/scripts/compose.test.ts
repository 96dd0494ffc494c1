import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("The project of Docker Compose", () => {
  before(function () {
    if (spawnSync("docker", ["compose", "version"]).status !== 0) this.skip();
  });

  /** Runs `docker compose config` in a checkout of another name. */
  const config = (environment: string, ...args: string[]) => {
    const folder = temporaryFolder();
    cpSync(join(projectFolder, "compose.yaml"), join(folder, "compose.yaml"));
    writeFileSync(join(folder, ".env"), environment);
    const { PATH, HOME } = process.env;
    const command = ["compose", "config", ...args];
    return execFileSync("docker", command, { cwd: folder, encoding: "utf8", env: { PATH, HOME } });
  };

  it("goes on after the checkout was moved or renamed", () => {
    assert.equal(config("", "--hash", "*"), config("", "--hash", "*"));
    assert.match(config(""), /^name: koa-blog$/m);
    assert.match(config("", "--images"), /^localhost\/koa-blog:compose$/m);
  });

  it("shares no container, volume, network or image with a checkout of another COMPOSE_PROJECT_NAME", () => {
    // Compose lists images in any order.
    const names = (text: string) => (text.match(/^( *name: \S+|localhost\/\S+)$/gm) ?? []).sort();
    const both = ["", "COMPOSE_PROJECT_NAME=other\n"].map((environment) =>
      names(config(environment) + config(environment, "--images")),
    );
    assert.ok(both[0]?.length);
    assert.deepEqual(both[1], both[0].map((name) => name.replace("koa-blog", "other")).sort());
  });
});
