// npm run backup [-- FILE]: writes all users and posts into a file, from a blog that goes on serving.
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";

import { linesOf } from "../db/lines.ts";
import { startInBlog, succeeded } from "./lib/inBlog.ts";
import { main } from "./lib/main.ts";
import { stackName } from "./lib/project.ts";

await main(async () => {
  const time = new Date().toISOString().replaceAll(":", "").slice(0, 17);
  const [file = `koa-blog-${stackName}-${time}.dump.gz`] = process.argv.slice(2);
  if (existsSync(file)) throw new Error(`${file} is there already: name another file`);
  const part = `${file}.part`;
  try {
    const child = startInBlog("db/backup.ts");
    child.stdin?.end();
    if (!child.stdout) throw new Error("the backup has no output");
    // Password hashes are in it.
    const written = pipeline(child.stdout, createGzip(), createWriteStream(part, { mode: 0o600, flags: "w" }));
    await Promise.all([succeeded(child, "The backup"), written]);
    const rows = await rowsOf(part);
    renameSync(part, file);
    console.log(`${String(rows)} rows are in ${file}\n\nnpm run restore -- ${file} puts them back.`);
  } finally {
    rmSync(part, { force: true });
  }
});

/** How many rows the end of a dump says there are. @throws Error if it has no end: the connection may have been cut */
async function rowsOf(path: string): Promise<number> {
  let last = "";
  for await (const line of linesOf(createReadStream(path).pipe(createGunzip()))) last = line;
  const end = JSON.parse(last || "null") as { rows?: number; sha256?: string } | null;
  if (typeof end?.rows !== "number" || !end.sha256) throw new Error("The backup is not whole: run it again");
  return end.rows;
}
