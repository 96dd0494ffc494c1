import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder, which goes with this process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "koa-blog-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}
