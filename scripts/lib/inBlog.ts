import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { blogNamespace, kubectlCommand } from "./kubectl.ts";

/** Starts a script in a container of the blog. The container has the dependencies and the database settings. */
export function startInBlog(script: string, ...args: string[]) {
  const [command = "", ...rest] = kubectlCommand({ input: true });
  const inPod = ["exec", "-i", "-n", blogNamespace(), "deployment/koa-blog", "--", "node", script, ...args];
  return spawn(command, [...rest, ...inPod], { stdio: ["pipe", "pipe", "inherit"] });
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
