import { readFileSync } from "node:fs";
import { join } from "node:path";

import type * as pulumi from "@pulumi/pulumi";

/** Text of a shell script in `scripts/`. */
export function readScript(name: string): string {
  return readFileSync(join(__dirname, "scripts", name), "utf8");
}

/**
 * Arguments of a `command.local.Command` that runs shell scripts of this package.
 *
 * The state keeps the texts of the scripts instead of their paths. So a moved or upgraded package still deletes what it
 * created. An error of Pulumi shows `sh -c "$CREATE"` instead of the whole text.
 */
export function shellScripts(
  scripts: { create: string; delete?: string },
  environment: Record<string, pulumi.Input<string>>,
) {
  return {
    create: 'sh -c "$CREATE"',
    ...(scripts.delete !== undefined && { delete: 'sh -c "$DELETE"' }),
    environment: {
      ...environment,
      CREATE: readScript(scripts.create),
      ...(scripts.delete !== undefined && { DELETE: readScript(scripts.delete) }),
    },
    // Otherwise the previous output, the kubeconfig, becomes an environment variable.
    addPreviousOutputInEnv: false,
    // kind and docker write their progress to stderr. stdout may be a kubeconfig.
    logging: "stderr",
  } as const;
}
