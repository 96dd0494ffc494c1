// npm run backup [-- FILE]: writes all users and posts to a file while the blog serves requests.
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
  if (existsSync(file)) throw new Error(`${file} already exists. Choose another name: npm run backup -- FILE`);
  const part = `${file}.part`;
  try {
    const child = startInBlog("db/backup.ts");
    child.stdin.end();
    // Only the owner may read the file, because it contains password hashes.
    const written = pipeline(child.stdout, createGzip(), createWriteStream(part, { mode: 0o600, flags: "w" }));
    await Promise.all([succeeded(child, "The backup"), written]);
    const rows = await rowsOf(part);
    renameSync(part, file);
    console.log(`Wrote ${String(rows)} rows to ${file}\n\nRestore them with: npm run restore -- ${file}`);
  } finally {
    rmSync(part, { force: true });
  }
});

/** The row count in the last line of a dump. @throws Error if a lost connection truncated the dump */
async function rowsOf(path: string): Promise<number> {
  let last = "";
  for await (const line of linesOf(createReadStream(path).pipe(createGunzip()))) last = line;
  const end = JSON.parse(last || "null") as { rows?: number; sha256?: string } | null;
  if (typeof end?.rows !== "number" || !end.sha256) throw new Error("The backup is truncated. Run it again.");
  return end.rows;
}
