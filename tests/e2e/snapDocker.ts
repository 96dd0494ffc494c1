import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/**
 * Puts a `docker` first on PATH that has a /tmp of its own, as Docker from snap has. It finds no file that another
 * program writes to /tmp.
 *
 * @returns a function that restores PATH, or undefined if this user cannot create a mount namespace
 */
export function useSnapDocker(): (() => void) | undefined {
  if (spawnSync("unshare", ["--mount", "true"]).status !== 0) return undefined;
  const path = process.env.PATH;
  const docker = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  const folder = mkdtempSync(join(tmpdir(), "koa-blog-snap-"));
  const inner = `mount -t tmpfs tmpfs /tmp && exec ${docker} "$@"`;
  writeFileSync(join(folder, "docker"), `#!/bin/sh\nexec unshare --mount sh -c '${inner}' docker "$@"\n`, {
    mode: 0o755,
  });
  process.env.PATH = [folder, path].join(delimiter);
  return () => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  };
}
