import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { findMysqlServer } from "../../scripts/lib/mysqlServer.ts";

const run = promisify(execFile);

/** Runs the Docker CLI and returns its stdout and stderr. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run("docker", args, { maxBuffer: 16 * 1024 * 1024 });
  return (stdout + stderr).trim();
}

/** Like `docker`, with text for stdin. */
export async function dockerWithInput(input: string, ...args: string[]): Promise<string> {
  const running = run("docker", args);
  running.child.stdin?.end(input);
  return (await running).stdout.trim();
}

/** Skips the tests of the suite without a Docker engine, and prints the reason. */
export async function requireDocker(this: Mocha.Context): Promise<void> {
  try {
    await docker("version", "--format", "{{.Server.Version}}");
  } catch (error) {
    const reason = (error as Error).message.trim().split("\n").at(-1) ?? "";
    console.log(`    skipped, no Docker engine answers: ${reason}`);
    this.skip();
  }
}

/** Skips the tests of the suite without Docker, mysqld and mariadbd, and prints the reason. */
export function requireMysql(this: Mocha.Context): void {
  try {
    findMysqlServer();
  } catch (error) {
    console.log(`    skipped: ${(error as Error).message}`);
    this.skip();
  }
}
