// npm run restore -- FILE [--replace]: puts a backup in the place of all users and posts, or changes nothing.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGunzip } from "node:zlib";

import { startInBlog, succeeded } from "./lib/inBlog.ts";
import { main } from "./lib/main.ts";

const usage = `Usage: npm run restore -- FILE [--replace]

  FILE       what "npm run backup" has written
  --replace  let users and posts that are there go`;

await main(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { replace: { type: "boolean" } } });
  const [file, ...more] = positionals;
  if (!file || more.length > 0) throw new Error(usage);
  const child = startInBlog("db/restore.ts", ...(values.replace ? ["--replace"] : []));
  if (!child.stdin || !child.stdout) throw new Error("the restore has no input");
  child.stdout.pipe(process.stdout);
  const sent = pipeline(createReadStream(file), createGunzip(), child.stdin).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    // What is refused is not read to its end, which is no failure of its own.
    if (code === "EPIPE") return;
    if (code?.startsWith("Z_")) throw new Error(`${file} is no backup: give a file that "npm run backup" has written`);
    throw new Error(`${file} cannot be read: ${message}`);
  });
  await Promise.all([succeeded(child, "The restore, which has changed nothing,"), sent]);
  console.log("Restored. Everybody logs in again.");
});
