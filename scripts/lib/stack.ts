import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { checkStackFile, passphraseFile, stackName, stateFolder } from "./project.ts";
import { pulumi } from "./pulumi.ts";
import { checkpoint } from "./state.ts";
import { ensurePulumi } from "./tools.ts";

/** Creates the state folder, the passphrase and the stack on the first run. Recovers from a killed run. */
export async function prepareStack(): Promise<void> {
  checkStackFile();
  ensurePulumi();
  mkdirSync(stateFolder, { recursive: true });
  preparePassphrase();
  const wasKilled = isStale(locks());
  if (wasKilled) {
    console.error("The last run was killed. Releasing its lock and dropping its pending operations.");
    await pulumi(["cancel", "--yes", "--stack", stackName]);
  }
  if (!existsSync(checkpoint)) {
    await pulumi(["stack", "select", "--create", "--stack", stackName, "--non-interactive"]);
  }
  if (wasKilled) await dropPendingOperations();
}

/**
 * Generates a passphrase for a new state, unless the environment has one. The environment's passphrase is never stored,
 * so every run needs the variable again.
 */
function preparePassphrase(): void {
  const { PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE } = process.env;
  if (existsSync(passphraseFile) || PULUMI_CONFIG_PASSPHRASE !== undefined || PULUMI_CONFIG_PASSPHRASE_FILE) return;
  if (existsSync(join(stateFolder, ".pulumi"))) {
    throw new Error(
      "The secrets in .state/ are encrypted with a passphrase that is not in .state/passphrase. Set " +
        "PULUMI_CONFIG_PASSPHRASE as you did when the stack was created, or write the passphrase to .state/passphrase.",
    );
  }
  writeFileSync(passphraseFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
}

/** The stack's outputs, secrets included. */
export async function stackOutputs(): Promise<Record<string, unknown>> {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stackName];
  return JSON.parse(await pulumi(args, { capture: true })) as Record<string, unknown>;
}

/**
 * Pulumi would warn about pending operations in every later run. Export and import drop them, and keep secrets
 * encrypted. The next run takes over their Kubernetes objects.
 */
async function dropPendingOperations(): Promise<void> {
  const state = await pulumi(["stack", "export", "--stack", stackName], { capture: true });
  await pulumi(["stack", "import", "--stack", stackName], { input: state });
}

interface Lock {
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

/** Whether all locks belong to ended processes of this machine, such as after a kill or a power failure. */
export function isStale(held: Lock[]): boolean {
  return held.length > 0 && held.every((lock) => lock.hostname === hostname() && !isRunning(lock.pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process runs as another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
