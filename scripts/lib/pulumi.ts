import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";

import { parse } from "yaml";

import { dockerEndpoint } from "./dockerEndpoint.ts";
import { passphraseFile, projectFolder, stackFile, stateFolder } from "./project.ts";
import { pulumiCommand, toolsFolder } from "./tools.ts";

let environment: NodeJS.ProcessEnv | undefined;

/**
 * The environment of Pulumi and its child processes: state in this folder, its own passphrase, downloaded tools on
 * PATH. Prints a line for each ignored variable of another project.
 */
export function pulumiEnvironment(): NodeJS.ProcessEnv {
  if (environment) return environment;
  const hasFile = existsSync(passphraseFile);
  const foreign = foreignVariables(process.env, hasFile);
  for (const [name, instead] of foreign) console.error(`${name} is set and ignored: ${instead}`);
  environment = {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Node.js 22 and later keep the compiled packages here, and the program starts 0.4 s earlier.
    NODE_COMPILE_CACHE: join(stateFolder, "compile-cache"),
    // The state contains the salt of the passphrase. See removeSalt.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    ...process.env,
    ...dockerHost(),
    ...Object.fromEntries(foreign.map(([name]) => [name, undefined])),
    ...(hasFile && { PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile }),
    PATH: [toolsFolder, dirname(pulumiCommand()), process.env.PATH].join(delimiter),
  };
  return environment;
}

/** The variables of an environment that belong to another project, each with what applies instead. */
export function foreignVariables(variables: NodeJS.ProcessEnv, hasPassphraseFile: boolean): [string, string][] {
  const state = "this project's state is in .state/";
  const passphrase = "the passphrase of this project's state is in .state/passphrase";
  const instead = {
    PULUMI_BACKEND_URL: state,
    PULUMI_SELF_MANAGED_STATE_GZIP: state,
    PULUMI_SELF_MANAGED_STATE_LEGACY_LAYOUT: state,
    ...(hasPassphraseFile && { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_CONFIG_PASSPHRASE_FILE: passphrase }),
    KIND_EXPERIMENTAL_PROVIDER: "the nodes are Docker containers",
    KIND_EXPERIMENTAL_DOCKER_NETWORK: "the network is kind",
    PULUMI_K8S_DELETE_UNREACHABLE: "objects of an unreachable cluster stay in the state",
    PULUMI_K8S_UPSERT_EXISTING_OBJECTS: "objects of an existing cluster are never taken over",
    DOCKER_DEFAULT_PLATFORM: "images have the platform of the Docker engine",
  };
  return Object.entries(instead).filter(([name]) => variables[name] !== undefined);
}

/**
 * The engine of the current Docker context. Pulumi's Docker provider ignores contexts, unlike kind. On a machine with
 * several engines, the provider might build with another engine than kind's. checkEndpoint refuses contexts with TCP.
 */
function dockerHost(): { DOCKER_HOST?: string } {
  const endpoint = dockerEndpoint();
  return endpoint && /^(unix|ssh):/.test(endpoint) ? { DOCKER_HOST: endpoint } : {};
}

/**
 * Runs Pulumi on this terminal. If it fails, this process ends with its exit code. After Ctrl-C, Pulumi itself finishes
 * the operations in progress.
 *
 * @param options - `input` is text for stdin, instead of the terminal. `capture` returns stdout instead of printing it.
 * @returns the captured output, else an empty string
 */
export async function pulumi(args: string[], options: { input?: string; capture?: boolean } = {}): Promise<string> {
  const { input, capture = false } = options;
  const stackFileBefore = readStackFile();
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  const child = spawn(pulumiCommand(), args, {
    cwd: projectFolder,
    env: pulumiEnvironment(),
    stdio: [input === undefined ? "inherit" : "pipe", capture ? "pipe" : "inherit", "inherit"],
  });
  child.stdin?.end(input);
  const ended = once(child, "close") as Promise<[number | null]>;
  const [output, [code]] = await Promise.all([child.stdout ? text(child.stdout) : "", ended]);
  process.off("SIGINT", ignore);
  removeSalt(stackFileBefore);
  // Pulumi has printed the reason itself.
  if (code !== 0) process.exit(code ?? 1);
  return output;
}

function readStackFile(): string {
  return existsSync(stackFile) ? readFileSync(stackFile, "utf8") : "";
}

/**
 * Restores the settings file if Pulumi only added the salt of the passphrase. The state contains the salt too, and git
 * would show a change after each run.
 */
function removeSalt(before: string): void {
  const after = readStackFile();
  if (after !== before && withoutSalt(after) === withoutSalt(before) && !before.includes("encryptionsalt")) {
    writeFileSync(stackFile, before);
  }
}

/** The content in comparable form. Pulumi changes the layout, and writes numbers and booleans as strings. */
function withoutSalt(content: string): string {
  return JSON.stringify({ ...(parse(content) as object | null), encryptionsalt: undefined }, (_, value: unknown) =>
    typeof value === "number" || typeof value === "boolean" ? String(value) : value,
  );
}
