import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { blogNamespace, endWithStdin, kubectlCommand } from "./kubectl.ts";
import { projectFolder, settings } from "./project.ts";

const clientName = "koa-blog-mysql-client";
/** Name of the temporary pod with MySQL's clients. Two commands at once have two pods. */
const clientPod = `${clientName}-${randomBytes(3).toString("hex")}`;

const remedy = 'See the output above. "npm run status" shows whether MySQL runs.';

/**
 * Runs db/backup.sh in MySQL's pod. For a managed MySQL, it runs in a temporary pod.
 *
 * @param transfer sends or receives the backup
 * @throws Error if the script fails, or else the transfer
 */
export async function inMySql(
  args: ["dump"] | ["load"] | ["load", "--replace"],
  transfer: (child: ChildProcessByStdio<Writable, Readable, null>) => Promise<void>,
): Promise<void> {
  const script = (args[0] === "dump" ? endWithStdin : "") + readFileSync(join(projectFolder, "db/backup.sh"), "utf8");
  const isManaged = kubectl(["get", "statefulset/mysql", "--ignore-not-found", "--output=name"]) === "";
  // The handlers also keep this process alive, so that it can delete the pod.
  let stop: () => unknown = () => undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop());
  try {
    if (isManaged) startClientPod();
    const pod = isManaged ? clientPod : "mysql-0";
    const bash = ["bash", "-c", script, "backup.sh", ...args];
    const [command = "", ...rest] = inNamespace("exec", "-i", pod, "--container=mysql", "--", ...bash);
    const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
    stop = () => child.kill();
    const transferred = transfer(child).catch((error: unknown) => error);
    const [status] = (await once(child, "close")) as [number | null];
    if (status !== 0) throw new Error(`The command in ${pod} failed. ${remedy}`);
    const error = await transferred;
    if (error instanceof Error) throw error;
  } finally {
    if (isManaged) deleteClientPod();
  }
}

/** Starts a pod with the blog's settings and MySQL's image. */
function startClientPod(): void {
  const deployment = JSON.parse(kubectl(["get", "deployment/koa-blog", "--output=json"])) as Deployment;
  const { spec } = deployment.spec.template;
  const none = { startupProbe: undefined, readinessProbe: undefined, livenessProbe: undefined, lifecycle: undefined };
  const client = { name: "mysql", image: settings().mysqlImage, command: ["sleep", "infinity"], ...none };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    // Without the blog's labels, its Service sends no requests here.
    metadata: { name: clientPod, labels: { "app.kubernetes.io/name": clientName } },
    spec: {
      ...spec,
      restartPolicy: "Never",
      // After SIGKILL of this process, the pod stops by itself.
      activeDeadlineSeconds: 24 * 60 * 60,
      topologySpreadConstraints: undefined,
      containers: [{ ...spec.containers[0], ...client }],
    },
  };
  kubectl(["create", "--filename=-"], JSON.stringify(pod));
  kubectl(["wait", "--for=condition=Ready", `pod/${clientPod}`, "--timeout=300s"]);
}

function deleteClientPod(): void {
  try {
    kubectl(["delete", "pod", clientPod, "--ignore-not-found", "--now"]);
  } catch {
    // The backup or restore itself may be complete.
    console.error(`The pod ${clientPod} was not deleted. It stops by itself after a day.`);
  }
}

interface Deployment {
  spec: { template: { spec: { containers: [object] } } };
}

function kubectl(args: string[], input = ""): string {
  const [command = "", ...rest] = inNamespace(...args);
  try {
    return execFileSync(command, rest, { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
  } catch (error) {
    throw new Error(`kubectl ${args.slice(0, 2).join(" ")} failed. ${remedy}`, { cause: error });
  }
}

function inNamespace(...args: string[]): string[] {
  return [...kubectlCommand({ input: true }), "--namespace", blogNamespace(), ...args];
}
