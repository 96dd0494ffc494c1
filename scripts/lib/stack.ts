import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";

import { parse, stringify } from "yaml";

import { passphraseFile, stackFile, stackName, stateFolder } from "./project.ts";
import { pulumi } from "./pulumi.ts";

/**
 * Makes what a first run needs, the folder of the state, a passphrase and the stack; mends what a killed run left.
 *
 * @throws Error if the stack has no settings file: with the defaults it would be another stack's twin
 */
export async function prepareStack(): Promise<void> {
  if (!existsSync(stackFile)) {
    const name = basename(stackFile);
    const remedy = existsSync(`${stackFile}.example`)
      ? `copy ${name}.example and adapt it`
      : "write the stack's settings into it, or choose another stack with PULUMI_STACK";
    throw new Error(`There is no ${name}: ${remedy}`);
  }
  mkdirSync(stateFolder, { recursive: true });
  if (!existsSync(passphraseFile)) {
    writeFileSync(passphraseFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  }
  const wasKilled = isStale(locks());
  if (wasKilled) {
    console.error("The last run was killed: releasing its lock, and dropping what it had under way.");
    await pulumi(["cancel", "--yes", "--stack", stackName]);
  }
  await pulumi(["stack", "select", "--create", "--stack", stackName, "--non-interactive"]);
  if (wasKilled) await dropPendingOperations();
}

/**
 * Writes the stack's settings with others in the place of some of them, for one run.
 *
 * @returns the path of the file
 */
export function writeStackFile(values: Record<string, string>): string {
  const file = parse(readFileSync(stackFile, "utf8")) as { config: Record<string, unknown> };
  for (const [key, value] of Object.entries(values)) file.config[`koa-blog:${key}`] = value;
  mkdirSync(stateFolder, { recursive: true });
  const path = join(stateFolder, basename(stackFile));
  writeFileSync(path, stringify(file));
  return path;
}

/** The stack's outputs, secrets included. */
export async function stackOutputs(): Promise<Record<string, unknown>> {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stackName];
  return JSON.parse(await pulumi(args, { capture: true })) as Record<string, unknown>;
}

/**
 * Pulumi would warn of them in every run to come. Whatever they have made is taken over when it is made again: see
 * KindCluster. Secrets stay encrypted on the way.
 */
async function dropPendingOperations(): Promise<void> {
  const state = await pulumi(["stack", "export", "--stack", stackName], { capture: true });
  await pulumi(["stack", "import", "--stack", stackName], { input: state });
}

/** Who holds the stack, as Pulumi's local backend notes it. */
export interface Lock {
  pid: number;
  hostname: string;
}

function locks(): Lock[] {
  const folder = join(stateFolder, ".pulumi", "locks", "organization", "koa-blog", stackName);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Lock);
}

/** Whether there are locks, all of runs on this machine that are no more: killed, or ended with the machine's power. */
export function isStale(held: Lock[]): boolean {
  return held.length > 0 && held.every((lock) => lock.hostname === hostname() && !isRunning(lock.pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is one all the same.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
