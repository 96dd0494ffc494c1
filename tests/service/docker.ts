import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs the Docker CLI and returns what it printed, standard error included. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run("docker", args, { maxBuffer: 16 * 1024 * 1024 });
  return (stdout + stderr).trim();
}

/** As `docker`, with text for the command's standard input. */
export async function dockerWithInput(input: string, ...args: string[]): Promise<string> {
  const running = run("docker", args);
  running.child.stdin?.end(input);
  return (await running).stdout.trim();
}

/** Why Docker cannot be used here, or undefined. */
export async function dockerProblem(): Promise<string | undefined> {
  try {
    await docker("version", "--format", "{{.Server.Version}}");
    return undefined;
  } catch (error) {
    return `no Docker engine answers: ${(error as Error).message.trim().split("\n").at(-1) ?? ""}`;
  }
}

/** Skips the tests of the suite that runs this hook, with the reason, where there is no Docker engine. */
export async function requireDocker(this: Mocha.Context): Promise<void> {
  const problem = await dockerProblem();
  if (problem === undefined) return;
  console.log(`    skipped, ${problem}`);
  this.skip();
}
