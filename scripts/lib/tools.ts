import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { projectFolder, stateFolder } from "./project.ts";

export const toolsFolder = join(stateFolder, "bin");

const kindVersion = "0.33.0";

// From the .sha256sum files of the release: https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0
const kindChecksums: Record<string, string> = {
  "darwin-amd64": "5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0",
  "darwin-arm64": "0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f",
  "linux-amd64": "aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d",
  "linux-arm64": "20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2",
};

/** A program that the commands run, and its oldest supported version. */
export interface Tool {
  name: string;
  minimum: string;
}

export const kind: Tool = { name: "kind", minimum: "0.32.0" };
export const pulumi: Tool = { name: "pulumi", minimum: "3.226.0" };

const searched = new Map<string, { path: string; version: string } | undefined>();

/**
 * Finds a program in the tools folder, then on PATH. It skips node_modules, and programs that do not run, such as a
 * version manager's shim without a version.
 */
export function findTool({ name }: Tool): { path: string; version: string } | undefined {
  const { PATH = "" } = process.env;
  const key = name + PATH;
  if (!searched.has(key)) {
    const folders = PATH.split(delimiter).filter((folder) => !folder.includes("node_modules"));
    searched.set(key, [toolsFolder, ...folders].map((folder) => run(join(folder, name))).find(Boolean));
  }
  return searched.get(key);
}

function run(path: string): { path: string; version: string } | undefined {
  const { status, stdout } = spawnSync(path, ["version"], { encoding: "utf8" });
  const version = status === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
  return version ? { path, version } : undefined;
}

/** Whether a version is at least another: 0.24.0 is at least 0.9.1. */
export function isAtLeast(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}

/** Pulumi's CLI on PATH if it is new enough. Otherwise the one that npm's `pulumi` package pins and downloads. */
export function pulumiCommand(): string {
  const found = findTool(pulumi);
  return found && isAtLeast(found.version, pulumi.minimum)
    ? found.path
    : join(projectFolder, "node_modules", ".bin", "pulumi");
}

/**
 * Lets npm's `pulumi` package download Pulumi before a command needs it. The package uses Node.js's own fetch.
 *
 * @throws Error with the remedy if that fails
 */
export function ensurePulumi(): void {
  const command = pulumiCommand();
  if (command === findTool(pulumi)?.path) return;
  // Node.js 22.21 and 24 obey the proxy variables with this one. Older versions ignore it.
  const env = { ...process.env, NODE_USE_ENV_PROXY: "1" };
  if (spawnSync(command, ["version"], { env, stdio: ["ignore", "ignore", "inherit"] }).status === 0) return;
  throw new Error(
    `Pulumi cannot be downloaded from https://get.pulumi.com. Install Pulumi ${pulumi.minimum} or later on PATH: ` +
      "https://www.pulumi.com/docs/install. Behind a proxy, Node.js 22.21 or later with HTTPS_PROXY works too.",
  );
}

/** Downloads the pinned kind, unless PATH has one that is new enough. @throws Error if the download fails */
export async function ensureKind(): Promise<void> {
  const found = findTool(kind);
  if (found && isAtLeast(found.version, kind.minimum)) return;
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const checksum = kindChecksums[platform];
  if (!checksum) {
    throw new Error(`kind has no download for ${platform}. Install kind ${kind.minimum} or later on PATH.`);
  }
  const url = `https://github.com/kubernetes-sigs/kind/releases/download/v${kindVersion}/kind-${platform}`;
  console.error(`Downloading kind v${kindVersion} …`);
  await download(url, checksum, join(toolsFolder, "kind"));
}

const remedy =
  `Install kind ${kind.minimum} or later on PATH: https://kind.sigs.k8s.io/docs/user/quick-start/#installation. ` +
  "Or set HTTPS_PROXY if this network has a proxy.";

/**
 * Downloads a program. It uses HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which Node.js's own fetch ignores.
 *
 * @param checksum - SHA-256 in hexadecimal digits
 * @throws Error with the URL and the remedy, if the download fails or has another checksum
 */
export async function download(url: string, checksum: string, path: string): Promise<void> {
  // A command without a download starts 0.1 s earlier.
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  const response = await fetch(url, { dispatcher: new EnvHttpProxyAgent() }).catch((error: unknown) => {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Error(`${url} cannot be reached (${reason}). ${remedy}`);
  });
  if (!response.ok) throw new Error(`${url} answered ${String(response.status)}. ${remedy}`);
  const content = Buffer.from(await response.arrayBuffer());
  const actual = createHash("sha256").update(content).digest("hex");
  if (actual !== checksum) {
    throw new Error(`${url} has the wrong SHA-256: expected ${checksum}, got ${actual}. Nothing was installed.`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, content);
  chmodSync(`${path}.part`, 0o755);
  renameSync(`${path}.part`, path);
}
