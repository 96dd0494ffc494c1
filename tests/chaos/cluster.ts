import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { Checkout, type Ended } from "../e2e/checkout.ts";

const exec = promisify(execFile);
const ofTheBlog = ["--selector", "app.kubernetes.io/name=koa-blog"];

/** Runs docker without blocking the load. */
export async function docker(...args: string[]): Promise<string> {
  return (await exec("docker", args, { maxBuffer: 2 ** 26 })).stdout.trim();
}

/** Runs a shell command without blocking the load. */
export async function shell(line: string): Promise<void> {
  await exec("sh", ["-c", line]);
}

/** A checkout with its own cluster. Its commands do not block the load. */
export class Cluster extends Checkout {
  /** Runs an npm script of the project and waits for it. */
  async run(script: string, ...args: string[]): Promise<Ended> {
    const start = Date.now();
    const child = this.start(script, ...args);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { status, output, seconds: (Date.now() - start) / 1000 };
  }

  /** Like `run`. @throws Error with the output if the script fails */
  async mustRun(script: string, ...args: string[]): Promise<Ended> {
    const ended = await this.run(script, ...args);
    if (ended.status !== 0) throw new Error(`npm run ${script} failed:\n${ended.output}`);
    return ended;
  }

  /** Runs kubectl in the control-plane node. */
  async ctl(...args: string[]): Promise<string> {
    return docker("exec", `${this.clusterName}-control-plane`, "kubectl", "--namespace", "koa-blog", ...args);
  }

  /** The node that a pod runs on. */
  async nodeOf(pod: string): Promise<string> {
    return this.ctl("get", "pod", pod, "--output", "jsonpath={.spec.nodeName}");
  }

  /** Names of the blog's pods that are not terminating. */
  async blogPods(): Promise<string[]> {
    const fields = "{range .items[*]}{.metadata.name}={.metadata.deletionTimestamp}{'\\n'}{end}";
    const pods = await this.ctl("get", "pods", ...ofTheBlog, "--output", `jsonpath=${fields}`);
    return pods.split("\n").flatMap((line) => (line.endsWith("=") ? [line.slice(0, -1)] : []));
  }

  /** Total restart count of the blog's pods. */
  async restarts(): Promise<number> {
    const fields = "jsonpath={.items[*].status.containerStatuses[*].restartCount}";
    const counts = await this.ctl("get", "pods", ...ofTheBlog, "--output", fields);
    return counts.split(" ").reduce((sum, count) => sum + Number(count), 0);
  }

  /** Waits until all pods of the blog are ready. */
  async untilRolledOut(): Promise<void> {
    await this.ctl("rollout", "status", "deployment/koa-blog", "--timeout=180s");
  }
}
