import { execFile } from "node:child_process";
import { readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";

import { hasLogging, type Settings } from "./project.ts";
import { findTool, isAtLeast, kind, pulumi, type Tool } from "./tools.ts";

const execute = promisify(execFile);
const gibibyte = 2 ** 30;

/** What one check found. A problem stops `npm run up`; a warning doesn't. */
export interface Finding {
  level: "ok" | "warning" | "problem";
  /** What is the case. */
  message: string;
  /** What to do about it. */
  remedy?: string;
}

/** The part of `docker info` that is checked. */
export interface Engine {
  ServerVersion: string;
  OSType: string;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  DockerRootDir: string;
  OperatingSystem: string;
}

/** What the stack takes of the engine, in GiB. */
export interface Needs {
  memory: number;
  disk: number;
}

export function needs(config: Pick<Settings, "target" | "logging">): Needs {
  switch (config.target) {
    case "kind":
      return hasLogging(config) ? { memory: 6, disk: 15 } : { memory: 3.5, disk: 10 };
    case "containers":
      return { memory: 1.5, disk: 5 };
    case "existing":
      // It only builds.
      return { memory: 1, disk: 5 };
  }
}

/** Checks everything that a run needs, and reports on everything at once. */
export async function preflight(config: Settings): Promise<Finding[]> {
  const engine = await dockerInfo();
  const isKind = config.target === "kind";
  return [
    checkNode(process.versions.node),
    ...(isKind ? [checkTool(kind, "it will be downloaded into .state/bin")] : []),
    checkTool(pulumi, "npm's pulumi package will download it into ~/.pulumi"),
    ...(typeof engine === "string"
      ? [
          problem(
            `The Docker engine cannot be reached: ${engine}`,
            "Install Docker, start it, and let your user use it",
          ),
        ]
      : [
          ...checkEngine(engine, needs(config), isKind && hasLogging(config)),
          checkDisk(engine, needs(config)),
          ...(isKind ? [await checkNodes(config)] : []),
          ...(await checkPorts(config)),
        ]),
    ...(isKind ? checkInotify() : []),
  ];
}

const ok = (message: string): Finding => ({ level: "ok", message });
const warning = (message: string, remedy: string): Finding => ({ level: "warning", message, remedy });
const problem = (message: string, remedy: string): Finding => ({ level: "problem", message, remedy });

export function checkNode(version: string): Finding {
  return isAtLeast(version, "20.19.0")
    ? ok(`Node.js ${version}`)
    : problem(`Node.js is ${version}`, "Install Node.js 20.19 or later");
}

function checkTool(tool: Tool, otherwise: string): Finding {
  const found = findTool(tool);
  if (!found) return ok(`${tool.name}: none on PATH, ${otherwise}`);
  return isAtLeast(found.version, tool.minimum)
    ? ok(`${tool.name} ${found.version} (${found.path})`)
    : ok(`${tool.name} ${found.version} on PATH is older than ${tool.minimum}, ${otherwise}`);
}

export function checkEngine(engine: Engine, { memory: needed }: Needs, logging: boolean): Finding[] {
  const memory = engine.MemTotal / gibibyte;
  const without = logging ? ', or leave the logs out: "npm run pulumi -- config set logging false"' : "";
  return [
    engine.OSType === "linux"
      ? ok(`Docker engine ${engine.ServerVersion} (${engine.OperatingSystem})`)
      : problem(`The Docker engine runs ${engine.OSType} containers`, "Switch it to Linux containers"),
    memory >= needed
      ? ok(`Docker engine has ${memory.toFixed(1)} GiB of memory and ${String(engine.NCPU)} CPUs`)
      : problem(
          `The Docker engine has ${memory.toFixed(1)} GiB of memory, and the stack needs ${String(needed)} GiB`,
          `Give it more: in Docker Desktop under Settings, Resources; 8 GB is comfortable${without}`,
        ),
  ];
}

function checkDisk(engine: Engine, { disk: needed }: Needs): Finding {
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(engine.DockerRootDir);
    free = (bavail * bsize) / gibibyte;
  } catch {
    return ok(`Disk: not checked, since ${engine.DockerRootDir} is inside the engine's own machine`);
  }
  return free >= needed
    ? ok(`Disk: ${free.toFixed(0)} GiB free in ${engine.DockerRootDir}`)
    : problem(
        `${engine.DockerRootDir} has ${free.toFixed(1)} GiB free, and the stack needs ${String(needed)} GiB`,
        'Free some: "docker system prune" removes what no container uses',
      );
}

/** Nodes that were stopped keep their data: they are to be started, not made again. */
async function checkNodes({ clusterName }: Settings): Promise<Finding> {
  const filter = ["--filter", `label=io.x-k8s.kind.cluster=${clusterName}`];
  const { stdout } = await execute("docker", ["ps", "--all", ...filter, "--format", "{{.Names}} {{.State}}"]);
  const nodes = stdout.split("\n").filter(Boolean);
  const stopped = nodes.flatMap((line) => (line.endsWith(" running") ? [] : [line.replace(/ .*/, "")]));
  if (nodes.length === 0) return ok(`Cluster ${clusterName}: not there yet`);
  return stopped.length === 0
    ? ok(`Cluster ${clusterName}: ${String(nodes.length)} nodes running`)
    : problem(
        `The cluster's nodes are stopped: ${stopped.join(", ")}`,
        `Start them: docker start ${stopped.join(" ")}`,
      );
}

/** The ports of this machine that the stack is to publish, and the container that may hold them already: its own. */
async function checkPorts(config: Settings): Promise<Finding[]> {
  if (config.target === "existing") return [];
  if (config.target === "containers") {
    return [await checkPort(`${config.network}-blog`, config.hostPort, config.listenAddress, "hostPort")];
  }
  const own = `${config.clusterName}-control-plane`;
  const kibana = hasLogging(config) ? Number(config.kibanaNodePort) : 0;
  return [
    await checkPort(own, config.hostPort, config.listenAddress, "hostPort"),
    ...(kibana === 0 ? [] : [await checkPort(own, kibana, "127.0.0.1", "kibanaNodePort")]),
  ];
}

async function checkPort(own: string, port: number, address: string, key: string): Promise<Finding> {
  const filter = ["--filter", `publish=${String(port)}`];
  const { stdout } = await execute("docker", ["ps", ...filter, "--format", "{{.Names}}"]);
  const holder = stdout.trim();
  if (holder === own) return ok(`Port ${String(port)} is the stack's`);
  const busy = holder ? `container ${holder}` : await portError(port, address);
  return busy
    ? problem(
        `Port ${String(port)} of ${address} cannot be used (${busy})`,
        `Stop what uses it, or choose another: "npm run pulumi -- config set ${key} PORT"`,
      )
    : ok(`Port ${String(port)} is free`);
}

/** Why nothing can listen there; undefined if something can. */
export function portError(port: number, address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message);
      })
      .listen(port, address, () =>
        server.close(() => {
          resolve(undefined);
        }),
      );
  });
}

/** Limits that three kubelets and all they run can use up: https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files */
function checkInotify(): Finding[] {
  if (process.platform !== "linux") return [];
  return [
    ["max_user_watches", 524288],
    ["max_user_instances", 512],
  ].map(([name, wanted]) => {
    const key = `fs.inotify.${String(name)}`;
    const value = Number(readFileSync(`/proc/sys/${key.replaceAll(".", "/")}`, "utf8"));
    return value >= Number(wanted)
      ? ok(`${key} is ${String(value)}`)
      : warning(
          `${key} is ${String(value)}: pods may fail with "too many open files"`,
          `Raise it: sudo sysctl ${key}=${String(wanted)}`,
        );
  });
}

/** `docker info`, or why there is none. */
async function dockerInfo(): Promise<Engine | string> {
  try {
    const { stdout } = await execute("docker", ["info", "--format", "{{json .}}"]);
    const info = JSON.parse(stdout) as Engine & { ServerErrors?: string[] };
    return info.ServerErrors?.join("; ") ?? info;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    return code === "ENOENT" ? "there is no docker command" : (stderr ?? String(error)).trim();
  }
}

/** The findings as lines for a terminal. */
export function report(findings: Finding[]): string {
  const mark = { ok: "✓", warning: "!", problem: "✗" };
  return findings
    .map(({ level, message, remedy }) => `${mark[level]} ${message}${remedy ? `\n    → ${remedy}` : ""}`)
    .join("\n");
}
