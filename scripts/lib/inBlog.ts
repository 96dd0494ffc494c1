import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { blogContainer } from "./containers.ts";
import { kubectlCommand } from "./kubectl.ts";
import { settings } from "./project.ts";

/** Starts a script in a container of the blog. The container has the dependencies and the database settings. */
export function startInBlog(script: string, ...args: string[]) {
  const { target, namespace } = settings();
  const [command = "", ...rest] =
    target === "containers"
      ? ["docker", "exec", "-i", blogContainer()]
      : [...kubectlCommand({ input: true }), "exec", "-i", "-n", namespace, "deployment/koa-blog", "--"];
  return spawn(command, [...rest, "node", script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

/** Waits until a process has ended. @throws Error with the remedy if it failed */
export async function succeeded(child: ChildProcess, what: string): Promise<void> {
  const ended = once(child, "close").catch((error: unknown) => [(error as Error).message]);
  const [status] = (await ended) as [number | string | null];
  if (status !== 0) {
    throw new Error(
      `${what} failed (${String(status ?? 1)}). See the output above. "npm run status" shows whether the blog runs.`,
    );
  }
}
