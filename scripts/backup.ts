// npm run backup [-- FILE]: writes all users and posts to a file while the blog serves requests.
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

import { inMySql } from "./lib/inMySql.ts";
import { main } from "./lib/main.ts";
import { stackName } from "./lib/project.ts";

await main(async () => {
  const time = new Date().toISOString().replaceAll(":", "").slice(0, 17);
  const [file = `koa-blog-${stackName}-${time}.sql.gz`] = process.argv.slice(2);
  if (existsSync(file)) throw new Error(`${file} already exists. Choose another name: npm run backup -- FILE`);
  const part = `${file}.part`;
  rmSync(part, { force: true });
  try {
    // Only the owner may read the file, because it contains password hashes.
    await inMySql(["dump"], (child) => pipeline(child.stdout, createWriteStream(part, { mode: 0o600, flags: "wx" })));
    await checkComplete(part);
    renameSync(part, file);
    const { size } = statSync(file);
    console.log(`Wrote ${String(size)} bytes to ${file}\n\nRestore them with: npm run restore -- ${file}`);
  } finally {
    rmSync(part, { force: true });
  }
});

/** @throws Error if a lost connection truncated the backup */
async function checkComplete(path: string): Promise<void> {
  let end = "";
  const read = pipeline(createReadStream(path), createGunzip(), async (content: AsyncIterable<Buffer>) => {
    for await (const chunk of content) end = (end + chunk.toString("latin1")).slice(-100);
  });
  await read.catch(() => (end = ""));
  if (!end.endsWith("\n-- Dump completed\n")) throw new Error("The backup is truncated. Run it again.");
}
