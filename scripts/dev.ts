// npm run dev: runs the blog alone, with a MySQL of its own, and restarts it when a file changes.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import pretty from "pino-pretty";

import { portError } from "./lib/checks/ports.ts";
import { main } from "./lib/main.ts";
import { databaseSql, startPrivateMysql } from "./lib/privateMysql.ts";
import { projectFolder, stateFolder } from "./lib/project.ts";

const folder = join(stateFolder, "dev");
const pidFile = join(folder, "pid");
// An empty variable counts as missing, as for the blog.
const port = process.env.PORT === "" ? "8080" : (process.env.PORT ?? "8080");
const stopping = new AbortController();

const output = pretty({
  messageKey: "message",
  levelKey: "log\\.level",
  timestampKey: "@timestamp",
  messageFormat:
    "{message} {http.request.method} {url.path} {http.response.status_code} {error.code} {error.stack_trace}",
  hideObject: true,
  errorLikeObjectKeys: [],
  sync: true,
});

await main(async () => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pid = existsSync(pidFile) ? readFileSync(pidFile, "utf8") : "";
  if (pid && isRunning(Number(pid))) {
    throw new Error(
      `npm run dev already runs in this checkout, as process ${pid}. Stop it with Ctrl-C, or with "kill ${pid}". ` +
        `If process ${pid} is another program, delete .state/dev/pid.`,
    );
  }
  // An empty address means every address, as for the blog.
  const busy = await portError(Number(port), "");
  if (busy) {
    throw new Error(
      `Port ${port} cannot be used (${busy}). Stop the program that uses it, or choose another port: PORT=8081 npm run dev`,
    );
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      stopping.abort();
    });
  }
  writeFileSync(pidFile, String(process.pid));
  try {
    await runBlog();
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    rmSync(pidFile);
  }
});

async function runBlog(): Promise<void> {
  console.log("Starting MySQL …");
  const password = secret("password");
  const mysql = await startPrivateMysql(folder, databaseSql("koa_blog", "koa_blog", password), stopping.signal);
  try {
    // A variable X and X_FILE together are refused.
    const others = Object.entries(process.env).filter(([name]) => !name.endsWith("_FILE"));
    const env = {
      ...{ ...Object.fromEntries(others), PORT: port, METRICS_PORT: "0", SESSION_KEYS: secret("session-key") },
      ...{ MYSQL_HOST: "127.0.0.1", MYSQL_PORT: String(mysql.port) },
      ...{ MYSQL_DATABASE: "koa_blog", MYSQL_USER: "koa_blog", MYSQL_PASSWORD: password },
    };
    if ((await tsx(["service/migrate.ts"], env)) !== 0)
      throw new Error("The migration failed. Its log above has the reason.");
    console.log(`The blog is on http://localhost:${port}, with ${mysql.description}. Ctrl-C stops both.`);
    const files = ["--include", "service/views/**/*", "--include", "service/static/*"];
    await tsx(["watch", "--clear-screen=false", ...files, "service/server.ts"], env);
  } finally {
    await mysql.stop();
  }
}

/** Runs tsx with a readable log, and returns the exit code. */
async function tsx(args: string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  stopping.signal.throwIfAborted();
  const cli = fileURLToPath(import.meta.resolve("tsx/cli"));
  // In a process group of its own, it gets one signal at Ctrl-C, which is SIGTERM.
  const child = spawn(process.execPath, [cli, ...args], { cwd: projectFolder, env, detached: true });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  child.stdin.end();
  stopping.signal.addEventListener("abort", () => child.kill());
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

/** A generated secret, which stays the same at the next start. */
function secret(name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString("hex"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
