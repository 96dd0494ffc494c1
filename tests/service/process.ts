import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The blog's server, or its standby, as a process of its own. */
export interface Service {
  child: ChildProcessWithoutNullStreams;
  output: () => string;
  /** Resolves to the exit code. */
  exit: Promise<number | null>;
}

/** Starts a script of `service/`. Defaults to the server, on free ports. */
export function spawnService(environment: Record<string, string>, script = "server.ts"): Service {
  const child = spawn(process.execPath, ["--import", "tsx", `service/${script}`], {
    cwd: root,
    env: { PATH: process.env.PATH, PORT: "0", METRICS_PORT: "0", ...environment },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const exit = once(child, "close").then(([code]) => code as number | null);
  return { child, output: () => output, exit };
}

/** The port on which it listens, once it does. */
export async function listeningPort(service: Service, name = "port"): Promise<number> {
  return Number((await logged(service, new RegExp(`"${name}":(\\d+).+"msg":"listening"`)))[1]);
}

/** Waits for a line of its log. */
export async function logged({ child, output }: Service, line: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = line.exec(output());
    if (match) return match;
    assert.ok(child.exitCode === null && child.signalCode === null, output());
    await sleep(50);
  }
}
