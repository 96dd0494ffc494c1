import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import type { DatabaseVariables } from "../../db/variables.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { KEY, variables } from "./blog.ts";

/** A program of the blog as a child process. */
export interface Service {
  child: ChildProcessWithoutNullStreams;
  output: () => string;
  /** Resolves to the exit code. */
  exit: Promise<number | null>;
}

/** Starts a program, such as `service/migrate.ts`. */
export function spawnProgram(file: string, environment: Record<string, string>): Service {
  const env = { PATH: process.env.PATH, ...environment };
  const child = spawn(process.execPath, ["--import", "tsx", file], { cwd: projectFolder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const exit = once(child, "close").then(([code]) => code as number | null);
  return { child, output: () => output, exit };
}

/** Starts the server. The ports default to free ones. */
export function spawnService(database: DatabaseVariables, environment: Record<string, string> = {}): Service {
  const ports = { PORT: "0", METRICS_PORT: "0" };
  return spawnProgram("service/server.ts", { ...variables(database), SESSION_KEYS: KEY, ...ports, ...environment });
}

/** Starts the server for the calling suite. */
export function useService(suite: { database: DatabaseVariables }, environment: Record<string, string> = {}) {
  let service: Service | undefined;
  let port = 0;

  before("start the server", async () => {
    service = spawnService(suite.database, environment);
    port = await listeningPort(service);
  });
  after("stop the server", () => service?.child.kill("SIGKILL"));

  return {
    get service(): Service {
      assert.ok(service, "The server runs only during the suite's tests and hooks.");
      return service;
    },
    get port() {
      return port;
    },
    get url() {
      return `http://127.0.0.1:${String(port)}`;
    },
  };
}

/** Waits until the server listens, and returns the port. */
export async function listeningPort(service: Service, name = "port"): Promise<number> {
  return Number((await logged(service, new RegExp(`"${name}":(\\d+).+"message":"listening"`)))[1]);
}

/** Waits for a line of the server's log. */
export async function logged({ child, output }: Service, line: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = line.exec(output());
    if (match) return match;
    assert.ok(child.exitCode === null && child.signalCode === null, output());
    await sleep(50);
  }
}
