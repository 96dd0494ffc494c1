// Servers as processes of their own, each on the cores it is given. Needs Linux: taskset and /proc.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DatabaseConfig } from "../db/config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Ignored by git, and gone with the packages. */
const venv = join(root, "node_modules/.cache/bench-flask");
/** As the image starts the blog, with Node's own type stripping where it has that: Node.js 22.18 and later. */
const node = [process.execPath, ...("typescript" in process.features ? [] : ["--import", "tsx"])];
const PATIENCE_MS = 20_000;

/** For taskset and Docker. On one core there is nothing to keep apart. */
export const serverCore = "0";
export const otherCores = availableParallelism() > 1 ? `1-${String(availableParallelism() - 1)}` : "0";
export const allCores = `0-${String(availableParallelism() - 1)}`;

export interface Server {
  name: string;
  url: string;
  /** Of a blog. */
  metricsUrl: string;
  pid: number;
  stop(): Promise<void>;
}

/** Keeps this process, the one that makes the load, off the servers' core. */
export function leaveServerCore(): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", otherCores, String(process.pid)]);
}

/** The blog, as in its image: with a log, which goes to a file. */
export function startBlog(database: DatabaseConfig, cores = serverCore, nodeFlags: string[] = []): Promise<Server> {
  const [command = "", ...args] = node;
  return start("blog", cores, "/", [command, ...nodeFlags, ...args, "service/server.ts"], {
    ...environment(database),
    LOG_LEVEL: "info",
    NODE_ENV: "production",
    SESSION_KEYS: "signs-the-cookies-of-the-benches-only",
  });
}

/** A Koa that answers with a string: the limit. */
export function startBareKoa(): Promise<Server> {
  return start("bare Koa", serverCore, "/", [...node, "bench/bare-koa.ts"], { NODE_ENV: "production" });
}

/** Flask under gunicorn, with one worker process. @param threads of it, each with a connection to MySQL */
export function startFlask(database: DatabaseConfig, threads: number): Promise<Server> {
  execFileSync("python3", ["-m", "venv", venv]);
  execFileSync(join(venv, "bin/pip"), [
    "install",
    "--quiet",
    "--requirement",
    join(root, "bench/flask/requirements.txt"),
  ]);
  const worker =
    threads === 1 ? ["--worker-class", "sync"] : ["--worker-class", "gthread", "--threads", String(threads)];
  const gunicorn = ["--chdir", "bench/flask", "--workers", "1", ...worker, "--bind", "127.0.0.1:PORT", "app:app"];
  return start(`Flask, ${String(threads)} threads`, serverCore, "/", [join(venv, "bin/gunicorn"), ...gunicorn], {
    ...environment(database),
  });
}

/** Megabytes of memory that a server has, with its child processes. */
export function memory({ pid }: Server): number {
  const kilobytes = family(pid).map((member) => Number(/VmRSS:\s+(\d+)/.exec(proc(member, "status"))?.[1]));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

/** Seconds for which a server, with its child processes, has had a core. */
export function cpuSeconds({ pid }: { pid: number }): number {
  // The 14th and 15th fields, in hundredths; the second one, the name, is in parentheses.
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

function environment(config: DatabaseConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

async function start(
  name: string,
  cores: string,
  path: string,
  command: string[],
  variables: Record<string, string>,
): Promise<Server> {
  const [port, metricsPort] = [await freePort(), await freePort()].map(String) as [string, string];
  // In memory, so that the disk has no part in it.
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
  while (
    !(await fetch(url + path).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${name} does not answer:\n${readFileSync(logFile, "utf8").slice(-4000)}`);
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
