import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { configKeys } from "../../config.ts";
import { settingsFile, settingsPage } from "../../scripts/settingsTable.ts";

describe("docs/settings.md", () => {
  it('is what "npm run docs:settings" writes from Pulumi.yaml', async () => {
    assert.equal(readFileSync(settingsFile, "utf8"), await settingsPage(), 'run "npm run docs:settings"');
  });

  it("has a row for each setting that config.ts accepts", () => {
    const rows = readFileSync(settingsFile, "utf8").matchAll(/^\| `(\w+)` +\|/gm);
    assert.deepEqual([...rows].map(([, key]) => key).sort(), [...configKeys].sort());
  });
});
