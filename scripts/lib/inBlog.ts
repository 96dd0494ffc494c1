import { spawn, type ChildProcess } from "node:child_process";

import { containerNames } from "./containers.ts";
import { kubectlCommand } from "./kubectl.ts";
import { settings } from "./project.ts";

/**
 * Starts Node.js in a container of the blog, which has its image, its environment and its way to the database.
 *
 * @param args - a script of the image and its arguments
 * @returns the process, with its standard input and output as pipes; what it logs goes to this terminal
 */
export function startInBlog(...args: string[]): ChildProcess {
  const [command = "", ...rest] = execCommand();
  return spawn(command, [...rest, "node", ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

function execCommand(): string[] {
  const { target, namespace } = settings();
  if (target !== "containers") {
    return [...kubectlCommand({ input: true }), "exec", "-i", "-n", namespace, "deployment/koa-blog", "--"];
  }
  const name = containerNames().find((candidate) => candidate.endsWith("-blog"));
  if (!name) throw new Error('The blog is not up: run "PULUMI_STACK=containers npm run up"');
  return ["docker", "exec", "-i", name];
}

/** Waits until a process has ended. @throws Error with the remedy if it has failed */
export async function succeeded(child: ChildProcess, what: string): Promise<void> {
  const status = await new Promise<number | string>((resolve) => {
    child.once("error", (error) => {
      resolve(error.message);
    });
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
  if (status !== 0)
    throw new Error(`${what} failed (${String(status)}), see above; "npm run status" shows whether the blog is up`);
}
