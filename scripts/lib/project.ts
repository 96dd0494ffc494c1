import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

/** The folder with Pulumi.yaml. */
export const projectFolder = resolve(import.meta.dirname, "../..");

/** Pulumi's state, its passphrase and downloaded tools. Git ignores this folder. */
export const stateFolder = join(projectFolder, ".state");

export const passphraseFile = join(stateFolder, "passphrase");

/** The stack of all commands: `PULUMI_STACK`, or `dev`. */
export const stackName = process.env.PULUMI_STACK ?? "dev";

export const stackFile = join(projectFolder, `Pulumi.${stackName}.yaml`);

/** The settings that the commands read. */
export interface Settings {
  target: "kind" | "containers" | "existing";
  kubeconfig: string;
  kubeContext: string;
  network: string;
  mysqlHost: string;
  clusterName: string;
  nodeImage: string;
  registryPort: number;
  namespace: string;
  hostPort: number;
  listenAddress: string;
  /** `pulumi config set` writes a boolean as text. */
  logging: boolean | "true" | "false";
  loggingNamespace: string;
  kibanaNodePort: number | string;
  mysqlStorage: string;
  elasticsearchStorage: string;
}

/** The default of every key that Pulumi.yaml declares. */
export function configDefaults(): Record<string, unknown> {
  const { config } = readYaml(join(projectFolder, "Pulumi.yaml")) as { config: Record<string, { default: unknown }> };
  return Object.fromEntries(Object.entries(config).map(([key, declaration]) => [key, declaration.default]));
}

/** The stack's settings with their defaults. config.ts checks them later, in the Pulumi program. */
export function settings(file = stackFile): Settings {
  const stack = existsSync(file) ? (readYaml(file) as { config?: Record<string, unknown> } | null) : null;
  const own = Object.entries(stack?.config ?? {}).map(
    ([key, value]) => [key.replace(/^koa-blog:/, ""), value] as const,
  );
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
