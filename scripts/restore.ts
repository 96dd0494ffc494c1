// npm run restore -- FILE [--replace]: replaces all users and posts with a backup, or changes nothing.
import { open } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";

import { inMySql } from "./lib/inMySql.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";

const usage = `Usage: npm run restore -- FILE [--replace]

  FILE       a file that "npm run backup" wrote
  --replace  overwrite existing users and posts`;

await main(async () => {
  refuseSwallowedFlags("replace");
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { replace: { type: "boolean" } } });
  const [file, ...more] = positionals;
  if (!file || more.length > 0) throw new Error(usage);
  const backup = await open(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  });
  let result = "";
  await inMySql(values.replace ? ["load", "--replace"] : ["load"], async (child) => {
    [result] = await Promise.all([text(child.stdout), pipeline(backup.createReadStream(), child.stdin)]);
  });
  // After Ctrl-C, `docker exec` exits with 0. A script in the pod that has the whole backup may still end well.
  if (!result.startsWith("Restored")) {
    throw new Error("The restore was interrupted. It may be complete or undone. Run it again, with --replace.");
  }
  console.log(result.trimEnd());
});
