import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

describe("A flag that is not after --", () => {
  let folder: string;

  before(() => {
    folder = temporaryFolder();
    const helper = pathToFileURL(join(projectFolder, "scripts/lib/npmFlags.ts")).href;
    const command = `import { refuseSwallowedFlags } from ${JSON.stringify(helper)};
      const names = ["expect-no-changes", "replace", "yes", "since"];
      try { refuseSwallowedFlags(...names); console.log("goes on"); } catch (error) { console.log(error.message); }`;
    writeFileSync(join(folder, "command.ts"), command);
    const scripts = { up: "node --import tsx command.ts" };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", scripts }));
    symlinkSync(join(projectFolder, "node_modules"), join(folder, "node_modules"));
  });

  const kept = (flags: string, more = "") => `npm kept ${flags} for itself. Run: npm run up --${more} ${flags}`;
  const cases: [args: string[], environment: Record<string, string>, output: string][] = [
    [["--expect-no-changes", "--yes"], {}, kept("--expect-no-changes --yes")],
    // npm completes it to --replace-registry-host.
    [["FILE", "--replace"], {}, kept("--replace", " …")],
    [["TEXT", "--since=1h"], {}, kept("--since", " …")],
    [["--no-yes"], {}, "goes on"],
    [["--", "--yes", "--since=1h"], { npm_config_yes: "true", npm_config_since: "2h" }, "goes on"],
  ];
  for (const [args, environment, output] of cases) {
    it(`${output === "goes on" ? "is not seen in" : "is named after"} npm run up ${args.join(" ")}`, () => {
      const env = { PATH: process.env.PATH, HOME: folder, ...environment };
      const { stdout } = spawnSync("npm", ["run", "--silent", "up", ...args], { cwd: folder, encoding: "utf8", env });
      assert.equal(stdout.trim(), output);
    });
  }
});
