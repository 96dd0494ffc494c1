// Starts each server as a process on certain cores. Needs taskset and /proc of Linux.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { DatabaseVariables } from "../db/variables.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Ignored by git, and removed with node_modules. */
const venv = join(root, "node_modules/.cache/bench-flask");
/** Like the image, uses Node's type stripping if Node.js has it (22.18 and later). */
const node = [process.execPath, ...("typescript" in process.features ? [] : ["--import", "tsx"])];
const PATIENCE_MS = 20_000;

/** In the notation of taskset and Docker. With one core, all processes share it. */
const serverCore = "0";
export const otherCores = availableParallelism() > 1 ? `1-${String(availableParallelism() - 1)}` : "0";
export const allCores = `0-${String(availableParallelism() - 1)}`;

export interface Server {
  name: string;
  url: string;
  /** Only for a blog. */
  metricsUrl: string;
  pid: number;
  stop(): Promise<void>;
}

/** This process generates the load, so it must not use the servers' core. */
export function leaveServerCore(): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", otherCores, String(process.pid)]);
}

/** Logs to a file, because the blog logs in production too. */
export function startBlog(database: DatabaseVariables, cores = serverCore): Promise<Server> {
  return start("blog", cores, [...node, "service/server.ts"], {
    ...environment(database),
    LOG_LEVEL: "info",
    NODE_ENV: "production",
    SESSION_KEYS: "signs-the-cookies-of-the-benches-only",
    // Logins come from many addresses.
    TRUSTED_PROXIES: "1",
  });
}

export function startBareKoa(): Promise<Server> {
  return start("bare Koa", serverCore, [...node, "bench/bareKoa.ts"], { NODE_ENV: "production" });
}

/** Flask under gunicorn, with one worker process of four threads. Its `sync` worker is slower. */
export function startFlask(database: DatabaseVariables): Promise<Server> {
  execFileSync("python3", ["-m", "venv", venv]);
  const requirements = join(root, "bench/flask/requirements.txt");
  execFileSync(join(venv, "bin/pip"), ["install", "--quiet", "--requirement", requirements]);
  const worker = ["--workers", "1", "--worker-class", "gthread", "--threads", "4"];
  const gunicorn = ["--chdir", "bench/flask", ...worker, "--bind", "127.0.0.1:PORT", "app:app"];
  return start("Flask, 4 threads", serverCore, [join(venv, "bin/gunicorn"), ...gunicorn], environment(database));
}

/** Megabytes of memory of a server and its child processes. */
export function memory({ pid }: Server): number {
  const kilobytes = family(pid).map((member) => Number(/VmRSS:\s+(\d+)/.exec(proc(member, "status"))?.[1]));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

/** CPU seconds of a server and its child processes. */
export function cpuSeconds({ pid }: { pid: number }): number {
  // The fields utime and stime are in hundredths of a second. The second field, the name, may contain spaces.
  const ticks = family(pid).map((member) => proc(member, "stat").split(") ")[1]?.split(" ").slice(11, 13) ?? []);
  return ticks.flat().reduce((sum, value) => sum + Number(value), 0) / 100;
}

function family(pid: number): number[] {
  const children = proc(pid, `task/${String(pid)}/children`)
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return [pid, ...children.flatMap(family)];
}

function proc(pid: number, file: string): string {
  return readFileSync(`/proc/${String(pid)}/${file}`, "utf8");
}

function environment(config: DatabaseVariables): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

async function start(
  name: string,
  cores: string,
  command: string[],
  variables: Record<string, string>,
): Promise<Server> {
  const [port, metricsPort] = [await freePort(), await freePort()].map(String) as [string, string];
  // In memory, because a slow disk would change the result.
  const folder = await mkdtemp("/dev/shm/koa-blog-bench-");
  const logFile = join(folder, "log");
  const log = openSync(logFile, "w");
  const args = command.map((argument) => argument.replace("PORT", port));
  const child = spawn("taskset", ["--cpu-list", cores, ...args], {
    cwd: root,
    stdio: ["ignore", log, log],
    env: { PATH: process.env.PATH, ...variables, PORT: port, METRICS_PORT: metricsPort },
  });
  closeSync(log);
  const exit = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await exit;
    await rm(folder, { recursive: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${name} does not answer. Its log:\n${readFileSync(logFile, "utf8").slice(-4000)}`);
    }
    await sleep(100);
  }
  return { name, url, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`, pid: child.pid ?? 0, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
