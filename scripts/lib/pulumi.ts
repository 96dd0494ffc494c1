import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";

import { parse } from "yaml";

import { passphraseFile, projectFolder, stackFile } from "./project.ts";
import { pulumiCommand, toolsFolder } from "./tools.ts";

/**
 * The environment in which Pulumi and the programs that it starts run: state in this folder, a passphrase that nobody
 * types, the downloaded tools on PATH. What the caller has set stays.
 */
export function pulumiEnvironment(command = pulumiCommand()): NodeJS.ProcessEnv {
  const { PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE, PATH } = process.env;
  return {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The salt of the passphrase is in the state; see keepStackFile.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    ...dockerHost(),
    ...process.env,
    ...(PULUMI_CONFIG_PASSPHRASE === undefined &&
      PULUMI_CONFIG_PASSPHRASE_FILE === undefined && { PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile }),
    PATH: [toolsFolder, dirname(command), PATH].join(delimiter),
  };
}

/**
 * The socket of docker's current context. Pulumi's Docker provider knows no contexts: beside kind, which asks docker, it
 * might build with another engine, such as the one that Docker Desktop is installed next to.
 */
function dockerHost(): { DOCKER_HOST?: string } {
  const { stdout } = spawnSync("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], {
    encoding: "utf8",
  });
  const host = (stdout as string | undefined)?.trim();
  return host?.startsWith("unix://") ? { DOCKER_HOST: host } : {};
}

export interface PulumiOptions {
  /** Text for Pulumi's standard input. Defaults to the terminal's. */
  input?: string;
  /** Whether what Pulumi prints is returned instead of shown. Defaults to false. */
  capture?: boolean;
}

/**
 * Runs Pulumi on this terminal, with its own display, until it ends. Ctrl-C reaches Pulumi itself, which then finishes
 * what is under way.
 *
 * @returns Pulumi's output if it is captured, else an empty string
 * @throws PulumiFailed with Pulumi's exit code
 */
export async function pulumi(args: string[], { input, capture = false }: PulumiOptions = {}): Promise<string> {
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  try {
    return await keepStackFile(async () => {
      const command = pulumiCommand();
      const child = spawn(command, args, {
        cwd: projectFolder,
        env: pulumiEnvironment(command),
        stdio: [input === undefined ? "inherit" : "pipe", capture ? "pipe" : "inherit", "inherit"],
      });
      child.stdin?.end(input);
      let output = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
      const code = await new Promise<number>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (status) => {
          resolve(status ?? 1);
        });
      });
      if (code !== 0) throw new PulumiFailed(code);
      return output;
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Pulumi ended with an exit code, having said why. */
export class PulumiFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`pulumi ended with exit code ${String(exitCode)}`);
    this.exitCode = exitCode;
  }
}

/**
 * Pulumi writes the salt of the passphrase into the stack's settings file. It is in the state as well, so a file that
 * gained nothing but the salt goes back to what it was: a run leaves the checkout clean.
 */
async function keepStackFile<T>(run: () => Promise<T>): Promise<T> {
  const read = () => (existsSync(stackFile) ? readFileSync(stackFile, "utf8") : "");
  const before = read();
  try {
    return await run();
  } finally {
    const after = read();
    if (after !== before && withoutSalt(after) === withoutSalt(before) && !before.includes("encryptionsalt")) {
      writeFileSync(stackFile, before);
    }
  }
}

/** What the file says, whatever its layout; Pulumi writes numbers and booleans as strings. */
function withoutSalt(text: string): string {
  return JSON.stringify({ ...(parse(text) as object | null), encryptionsalt: undefined }, (_, value: unknown) =>
    typeof value === "number" || typeof value === "boolean" ? String(value) : value,
  );
}
