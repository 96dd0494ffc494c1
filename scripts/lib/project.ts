import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

/** Folder of the project: where Pulumi.yaml is. */
export const projectFolder = resolve(import.meta.dirname, "../..");

/** Folder of all that runs leave behind: Pulumi's state, its passphrase, downloaded tools. Git ignores it. */
export const stateFolder = join(projectFolder, ".state");

/** Holds the passphrase that encrypts the secrets in the state. */
export const passphraseFile = join(stateFolder, "passphrase");

/** The stack that the commands work on: `PULUMI_STACK`, or `dev`. */
export const stackName = process.env.PULUMI_STACK ?? "dev";

/** The stack's own settings file. */
export const stackFile = join(projectFolder, `Pulumi.${stackName}.yaml`);

/** What of the stack's settings the commands themselves need to know. */
export interface Settings {
  target: "kind" | "containers" | "existing";
  kubeconfig: string;
  kubeContext: string;
  network: string;
  mysqlHost: string;
  clusterName: string;
  namespace: string;
  hostPort: number;
  listenAddress: string;
  /** A boolean, or its name: `pulumi config set` writes text. */
  logging: boolean | "true" | "false";
  loggingNamespace: string;
  kibanaNodePort: number | string;
}

interface ProjectFile {
  name: string;
  config: Record<string, { default: unknown }>;
}

interface StackFile {
  config?: Record<string, unknown>;
}

/** The default of every key that Pulumi.yaml declares. */
export function configDefaults(): Record<string, unknown> {
  const { config } = readYaml(join(projectFolder, "Pulumi.yaml")) as ProjectFile;
  return Object.fromEntries(Object.entries(config).map(([key, declaration]) => [key, declaration.default]));
}

/**
 * The stack's settings as the files say, defaults included, unchecked: the program checks them.
 *
 * @param file - defaults to the stack's own
 */
export function settings(file = stackFile): Settings {
  const { name } = readYaml(join(projectFolder, "Pulumi.yaml")) as ProjectFile;
  const stack = existsSync(file) ? (readYaml(file) as StackFile | null) : null;
  const own = Object.entries(stack?.config ?? {})
    .filter(([key]) => key.startsWith(`${name}:`))
    .map(([key, value]) => [key.slice(name.length + 1), value] as const);
  return { ...configDefaults(), ...Object.fromEntries(own) } as unknown as Settings;
}

/** Whether the stack has Elasticsearch and Kibana. */
export function hasLogging({ logging, target }: Pick<Settings, "logging" | "target">): boolean {
  return String(logging) === "true" && target !== "containers";
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
