import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import { parse } from "yaml";

import { parseSettings, type SecretKey, secretKeys, type Settings } from "../../settings.ts";

/** The folder with Pulumi.yaml. */
export const projectFolder = resolve(import.meta.dirname, "../..");

/** Pulumi's state, its passphrase and downloaded tools. Git ignores this folder. */
export const stateFolder = join(projectFolder, ".state");

export const passphraseFile = join(stateFolder, "passphrase");

/** The stack of all commands: `PULUMI_STACK`, or `dev`. */
export const stackName = process.env.PULUMI_STACK ?? "dev";

export const stackFile = join(projectFolder, `Pulumi.${stackName}.yaml`);

/** The default of every key that Pulumi.yaml declares. */
export function configDefaults(): Record<string, unknown> {
  const { config } = readYaml(join(projectFolder, "Pulumi.yaml")) as { config: Record<string, { default: unknown }> };
  return Object.fromEntries(Object.entries(config).map(([key, declaration]) => [key, declaration.default]));
}

/** @throws Error with the remedy if the stack has no settings. The defaults would give two stacks the same ports. */
export function checkStackFile(): void {
  if (existsSync(stackFile)) return;
  const name = basename(stackFile);
  const remedy = existsSync(`${stackFile}.example`)
    ? `Copy ${name}.example and adapt it.`
    : "Write the settings of the stack into it, or choose another stack with PULUMI_STACK.";
  throw new Error(`${name} does not exist. ${remedy}`);
}

/** The settings of the stack. @throws Error that lists every wrong setting, as in the Pulumi program */
export function settings(): Settings {
  checkStackFile();
  const { config } = (readYaml(stackFile) ?? {}) as { config?: Record<string, unknown> };
  return settingsFrom(config ?? {});
}

/** The settings from the keys of a stack file. Encrypted values become placeholders. */
export function settingsFrom(config: Record<string, unknown>): Settings {
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith("koa-blog:"))
    .map(([key, value]) => [key.slice("koa-blog:".length), value] as const);
  const encrypted = own.filter(([, value]) => isEncrypted(value)).map(([key]) => key);
  const wrong = encrypted.find((key) => !secretKeys.includes(key as SecretKey));
  if (wrong) {
    throw new Error(
      `${wrong}: expected plain text, got a secret. ` +
        `Set it with "npm run pulumi -- config set --plaintext ${wrong} VALUE".`,
    );
  }
  const values = { ...configDefaults(), ...Object.fromEntries(own) };
  const text = (value: unknown) => (isEncrypted(value) ? "x".repeat(64) : String(value));
  return parseSettings(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, text(value)])), (key) =>
    encrypted.includes(key),
  );
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
