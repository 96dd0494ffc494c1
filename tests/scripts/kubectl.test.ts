import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";

import { untilStdinEnds } from "../../scripts/lib/kubectl.ts";

/** The command that runs in a node, here without Docker. */
const inNode = (...command: string[]) => {
  const [, , , , shell = "", ...args] = untilStdinEnds(["docker", "exec", "-i", "node", ...command]);
  // A command in a container has a process group of its own, too.
  return spawn(shell, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
};
const isRunning = (pid: number) => spawnSync("kill", ["-0", String(pid)]).status === 0;

describe("A command in a node that follows logs", () => {
  it("ends when the client is gone", async () => {
    const child = inNode("sh", "-c", "echo $$; exec sleep 10");
    const [output] = (await once(child.stdout, "data")) as [Buffer];
    const pid = Number(output.toString());
    assert.ok(isRunning(pid));
    child.stdin.end();
    await once(child, "close");
    // The operating system removes an orphan a moment later.
    while (isRunning(pid)) await setTimeout(50);
  });

  it("keeps its output and its exit code if it ends by itself", async () => {
    const child = inNode("sh", "-c", "echo line; exit 3");
    const ended = once(child, "close") as Promise<[number]>;
    assert.deepEqual(await Promise.all([text(child.stdout), ended]), ["line\n", [3, null]]);
  });

  it("is not wrapped on this machine, where it gets Ctrl-C itself", () => {
    assert.deepEqual(untilStdinEnds(["kubectl", "--context", "team"]), ["kubectl", "--context", "team"]);
  });
});
