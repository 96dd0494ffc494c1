import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { settingsFile, settingsPage } from "../../scripts/settingsTable.ts";
import { settingKeys } from "../../settings.ts";

describe("docs/settings.md", () => {
  it('is what "npm run docs:settings" writes from Pulumi.yaml', async () => {
    assert.equal(readFileSync(settingsFile, "utf8"), await settingsPage(), 'run "npm run docs:settings"');
  });

  it("has a row for each setting that settings.ts accepts", () => {
    const rows = readFileSync(settingsFile, "utf8").matchAll(/^\| `(\w+)` +\|/gm);
    assert.deepEqual([...rows].map(([, key]) => key).sort(), [...settingKeys].sort());
  });
});
