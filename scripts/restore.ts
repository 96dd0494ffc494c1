// npm run restore -- FILE [--replace]: replaces all users and posts with a backup, or changes nothing.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGunzip } from "node:zlib";

import { startInBlog, succeeded } from "./lib/inBlog.ts";
import { main } from "./lib/main.ts";

const usage = `Usage: npm run restore -- FILE [--replace]

  FILE       a file that "npm run backup" wrote
  --replace  overwrite existing users and posts`;

await main(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { replace: { type: "boolean" } } });
  const [file, ...more] = positionals;
  if (!file || more.length > 0) throw new Error(usage);
  const child = startInBlog("db/restore.ts", ...(values.replace ? ["--replace"] : []));
  child.stdout.pipe(process.stdout);
  const sent = pipeline(createReadStream(file), createGunzip(), child.stdin).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    // db/restore.ts stops reading when it refuses a backup. Its exit code reports that.
    if (code === "EPIPE") return;
    if (code?.startsWith("Z_")) throw new Error(`${file} is not a backup. Use a file that "npm run backup" wrote.`);
    throw new Error(`${file} cannot be read: ${message}`);
  });
  await Promise.all([succeeded(child, "Nothing was changed. The restore"), sent]);
  console.log("Restored. All users must log in again.");
});
