import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { containerName, findMysqlServer, pullImage, serverCommand, serverEnvironment as env } from "./mysqlServer.ts";

const PATIENCE_MS = 120_000;

/** A MySQL for one checkout or one test run. It is in a container where Docker answers. */
export interface PrivateMysql {
  /** Such as `mysql:9.7.2 in a container`. */
  description: string;
  /** On 127.0.0.1. */
  port: number;
  /** Undefined for a program of this machine. */
  container: string | undefined;
  stop(): Promise<void>;
}

/**
 * Starts MySQL, and waits until it answers.
 *
 * @param folder absolute path. It keeps the data, so the next start finds them
 * @param sql statements that run at each start, each on one line
 * @param signal aborts the start
 */
export async function startPrivateMysql(folder: string, sql: string, signal?: AbortSignal): Promise<PrivateMysql> {
  const server = findMysqlServer();
  const own = join(folder, server.kind);
  const [data, initFile, logFile] = [join(own, "data"), join(own, "init.sql"), join(own, "mysql.log")];
  const port = await freePort();
  const isContainer = server.kind === "container";
  const container = isContainer ? containerName(own) : undefined;
  refuseRunningServer(data);
  const removeContainer = () => container && spawnSync("docker", ["rm", "--force", container]);

  mkdirSync(own, { recursive: true, mode: 0o700 });
  if (isContainer) pullImage();
  // A killed run leaves its container.
  removeContainer();
  let child: ChildProcess | undefined;
  try {
    if (!existsSync(data)) {
      // The folder gets its name last. An interrupted initialization starts again.
      const fresh = `${data}.new`;
      rmSync(fresh, { recursive: true, force: true });
      const [program, ...options] = server.initialize;
      const command = serverCommand(server, own, port, program, [...options, `--datadir=${fresh}`]);
      await promisify(execFile)(...command, { env, ...(signal && { signal }) });
      renameSync(fresh, data);
    }
    writeFileSync(initFile, sql, { mode: 0o600 });
    const args = [
      `--datadir=${data}`,
      `--init-file=${initFile}`,
      `--port=${String(port)}`,
      `--bind-address=${isContainer ? "*" : "127.0.0.1"}`,
      // Relative to the data, because the path of a socket has at most 107 characters.
      "--socket=mysql.sock",
      "--pid-file=mysql.pid",
      // Otherwise MariaDB's anonymous user of localhost comes before the users of all hosts.
      "--skip-name-resolve",
      "--skip-log-bin",
      // The default is a folder that only some installations have.
      "--secure-file-priv=",
      // MySQL's second port. MariaDB has none.
      "--loose-mysqlx=OFF",
    ];
    const log = openSync(logFile, "w", 0o600);
    // In a process group of its own, MySQL outlives Ctrl-C until the service has stopped.
    const stdio = ["ignore", log, log] as const;
    child = spawn(...serverCommand(server, own, port, server.program, args), {
      env,
      detached: true,
      stdio: [...stdio],
    });
    closeSync(log);
    await untilReady(child, port, logFile, signal);
    const running = child;
    return { description: server.description, port, container, stop: () => end(running) };
  } catch (error) {
    if (child) await end(child);
    removeContainer();
    throw error;
  }
}

/**
 * The statements that create a database, and a user with all rights on it.
 *
 * @param database of letters, digits and underscores, like the user
 * @param password without quotes and backslashes
 */
export function databaseSql(database: string, user: string, password: string): string {
  // In GRANT, _ is a wildcard.
  const pattern = database.replaceAll("_", "\\_");
  return `CREATE DATABASE IF NOT EXISTS ${database} CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS ${user};
ALTER USER ${user} IDENTIFIED BY '${password}';
GRANT ALL ON \`${pattern}\`.* TO ${user};
`;
}

/** @throws Error with the remedy if a killed run left a server, which has locked the data */
function refuseRunningServer(data: string): void {
  const file = join(data, "mysql.pid");
  const pid = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  // A container has its own process ids.
  const { stdout } = spawnSync("ps", ["-o", "args=", "-p", pid || "0"], { encoding: "utf8" });
  if (stdout.includes(data)) throw new Error(`MySQL still runs from an earlier run. Stop it: kill ${pid}`);
}

async function untilReady(child: ChildProcess, port: number, logFile: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await greets(port))) {
    signal?.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`MySQL did not start. The end of ${logFile}:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    }
    await sleep(100);
  }
}

/** Whether MySQL sends its greeting. Docker's proxy accepts connections earlier, but sends nothing. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await Promise.race([once(socket, "data").then(() => true), once(socket, "close").then(() => false)]);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
