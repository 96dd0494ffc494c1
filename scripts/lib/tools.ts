import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { projectFolder, stateFolder } from "./project.ts";

/** Folder of the programs that are downloaded for this project. */
export const toolsFolder = join(stateFolder, "bin");

const kindVersion = "0.33.0";

// The release's own .sha256sum files, at https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0
const kindChecksums: Record<string, string> = {
  "darwin-amd64": "5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0",
  "darwin-arm64": "0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f",
  "linux-amd64": "aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d",
  "linux-arm64": "20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2",
};

/** A program that the commands need: what is used of it, and from which version on. */
export interface Tool {
  name: string;
  /** Arguments that make it print its version. */
  versionArguments: string[];
  /** The oldest version that will do. */
  minimum: string;
}

export const kind: Tool = { name: "kind", versionArguments: ["version"], minimum: "0.24.0" };
export const pulumi: Tool = { name: "pulumi", versionArguments: ["version"], minimum: "3.226.0" };

/** The program that a command would run, and its version: downloaded ones first, then PATH without npm's own folders. */
export function findTool({ name, versionArguments }: Tool): { path: string; version: string } | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  for (const folder of [toolsFolder, ...folders]) {
    const path = join(folder, name);
    if (isExecutable(path)) {
      const version = /\d+\.\d+\.\d+/.exec(execFileSync(path, versionArguments, { encoding: "utf8" }))?.[0];
      if (version) return { path, version };
    }
  }
  return undefined;
}

/** Whether a version is at least another: 0.24.0 is at least 0.9.1. */
export function isAtLeast(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}

/** Pulumi's CLI: the one on PATH if it is new enough, else the one that npm's `pulumi` package pins and downloads. */
export function pulumiCommand(): string {
  const found = findTool(pulumi);
  return found && isAtLeast(found.version, pulumi.minimum)
    ? found.path
    : join(projectFolder, "node_modules", ".bin", "pulumi");
}

/**
 * Makes sure that there is a kind: the one on PATH if it is new enough, else the pinned release.
 *
 * @throws Error if the download fails or is not what was released
 */
export async function ensureKind(source = "https://github.com/kubernetes-sigs/kind/releases/download"): Promise<void> {
  const found = findTool(kind);
  if (found && isAtLeast(found.version, kind.minimum)) return;
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const checksum = kindChecksums[platform];
  if (!checksum) {
    throw new Error(`There is no kind to download for ${platform}: install kind ${kind.minimum} or later on PATH`);
  }
  const url = `${source}/v${kindVersion}/kind-${platform}`;
  console.error(`Downloading kind v${kindVersion} …`);
  await download(url, checksum, join(toolsFolder, "kind"));
}

/**
 * Downloads a program, and puts it in its place only if it is the expected one.
 *
 * @param checksum - its SHA-256 in hexadecimal digits
 * @throws Error that names the URL and what to do, if it can't be had or is another
 */
export async function download(url: string, checksum: string, path: string): Promise<void> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached (${reason(error)}): check the network, or install the program on PATH`);
  });
  if (!response.ok) throw new Error(`${url} answered ${String(response.status)}: install the program on PATH`);
  const content = Buffer.from(await response.arrayBuffer());
  const actual = createHash("sha256").update(content).digest("hex");
  if (actual !== checksum) {
    throw new Error(
      `${url} is not what was released: expected SHA-256 ${checksum}, got ${actual}. Nothing was installed`,
    );
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, content);
  chmodSync(`${path}.part`, 0o755);
  renameSync(`${path}.part`, path);
}

function reason(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
