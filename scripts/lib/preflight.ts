import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";

import { dockerLines } from "./containers.ts";
import { hasLogging, type Settings } from "./project.ts";
import { isAtLeast, kind, pulumi, searchTool, type Tool } from "./tools.ts";
import { checkVolumes } from "./volumes.ts";

const execute = promisify(execFile);
const gibibyte = 2 ** 30;

/** Result of one check. A problem stops `npm run up`, a warning does not. */
export interface Finding {
  level: "ok" | "warning" | "problem";
  message: string;
  remedy?: string;
}

/** The fields of `docker info` that the checks read. */
export interface Engine {
  ServerVersion: string;
  OSType: string;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  DockerRootDir: string;
  /** `1` or `2`. */
  CgroupVersion: string;
  OperatingSystem: string;
}

/** Checks everything that a run needs. @throws Error if there is a problem */
export async function check(config: Settings, { quiet = true } = {}): Promise<void> {
  // kubectl runs while the other checks wait for their programs.
  const [volumes, others] = await Promise.all([checkVolumes(config), preflight(config)]);
  conclude([...others, ...volumes], { quiet });
}

/** Prints all findings, or only warnings and problems. @throws Error if one is a problem */
export function conclude(findings: Finding[], { quiet = true } = {}): void {
  const shown = findings.filter(({ level }) => !quiet || level !== "ok");
  if (shown.length > 0) console[quiet ? "error" : "log"](report(shown));
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (problems > 0) throw new Error(`${String(problems)} problem(s) to fix first.`);
}

/** Memory and disk that the stack needs, in GiB. */
export function needs(config: Pick<Settings, "target" | "logging">): { memory: number; disk: number } {
  if (config.target === "containers") return { memory: 1.5, disk: 5 };
  // The engine only builds the image.
  if (config.target === "existing") return { memory: 1, disk: 5 };
  return hasLogging(config) ? { memory: 6, disk: 15 } : { memory: 3.5, disk: 10 };
}

async function preflight(config: Settings): Promise<Finding[]> {
  // Docker answers while the programs are searched.
  const info = dockerInfo();
  const isKind = config.target === "kind";
  const programs = [
    checkNode(process.versions.node),
    ...(isKind ? [checkTool(kind, "it will be downloaded into .state/bin")] : []),
    checkTool(pulumi, "npm's pulumi package will download it into ~/.pulumi"),
  ];
  const engine = await info;
  return [
    ...programs,
    ...(typeof engine === "string"
      ? [problem(`The Docker engine cannot be reached: ${engine}`, "Start Docker, and give your user access to it")]
      : [
          ...checkEngine(engine, needs(config), isKind && hasLogging(config)),
          checkDisk(engine, needs(config)),
          ...(isKind ? [...checkCgroups(engine, config.nodeImage), checkContainers(config)] : []),
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
  const { found, broken } = searchTool(tool);
  const passedOver = broken.map((reason) => `; ${reason}`).join("");
  if (!found) return ok(`${tool.name}: none on PATH, ${otherwise}${passedOver}`);
  return isAtLeast(found.version, tool.minimum)
    ? ok(`${tool.name} ${found.version} (${found.path})${passedOver}`)
    : ok(`${tool.name} ${found.version} on PATH is older than ${tool.minimum}, ${otherwise}${passedOver}`);
}

export function checkEngine(engine: Engine, { memory: needed }: ReturnType<typeof needs>, logging: boolean): Finding[] {
  const memory = engine.MemTotal / gibibyte;
  const without = logging ? ', or switch the logs off: "npm run pulumi -- config set logging false"' : "";
  return [
    engine.OSType === "linux"
      ? ok(`Docker engine ${engine.ServerVersion} (${engine.OperatingSystem})`)
      : problem(`The Docker engine runs ${engine.OSType} containers`, "Switch it to Linux containers"),
    memory >= needed
      ? ok(`Docker engine has ${memory.toFixed(1)} GiB of memory and ${String(engine.NCPU)} CPUs`)
      : problem(
          `The Docker engine has ${memory.toFixed(1)} GiB of memory, and the stack needs ${String(needed)} GiB`,
          `Give it 8 GB, in Docker Desktop under Settings, Resources${without}`,
        ),
  ];
}

function checkDisk(engine: Engine, { disk: needed }: ReturnType<typeof needs>): Finding {
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(engine.DockerRootDir);
    free = (bavail * bsize) / gibibyte;
  } catch {
    return ok(`Disk: not checked, because ${engine.DockerRootDir} is not on this machine`);
  }
  return free >= needed
    ? ok(`Disk: ${free.toFixed(0)} GiB free in ${engine.DockerRootDir}`)
    : problem(
        `${engine.DockerRootDir} has ${free.toFixed(1)} GiB free, and the stack needs ${String(needed)} GiB`,
        'Free disk space, such as with "docker system prune"',
      );
}

/** First patch version of each Kubernetes minor version whose node image kind 0.20 or later built. */
const patchesOfKind020: Record<string, number> = { "24": 15, "25": 11, "26": 6, "27": 3 };

/** Warns of node images that do not start on cgroup v1. Images from other builders may start, so it only warns. */
export function checkCgroups({ CgroupVersion }: Pick<Engine, "CgroupVersion">, nodeImage: string): Finding[] {
  const [, minor = "", patch = ""] = /:v1\.(\d+)\.(\d+)/.exec(nodeImage) ?? [];
  if (CgroupVersion !== "1" || !minor) return [];
  const warn = (reason: string) => [
    warning(
      `The engine has cgroup v1, and ${nodeImage} may not start there: ${reason}`,
      'Boot this machine with cgroup v2, or choose another image: "npm run pulumi -- config set nodeImage IMAGE"',
    ),
  ];
  // https://kubernetes.io/docs/concepts/architecture/cgroups/#deprecation-of-cgroup-v1
  if (Number(minor) >= 35) return warn("the kubelet refuses cgroup v1 from Kubernetes 1.35 on");
  // https://github.com/kubernetes-sigs/kind/releases/tag/v0.20.0
  if (Number(minor) < 28 && Number(patch) < (patchesOfKind020[minor] ?? Infinity)) {
    return warn("node images of kind 0.19 and earlier need cgroup v2 with a later kind");
  }
  return [];
}

/** The stopped nodes and registry must be started, because a recreated cluster would lose the data. */
function checkContainers({ clusterName }: Settings): Finding {
  const list = (filter: string) => dockerLines("ps", "--all", "--filter", filter, "--format", "{{.Names}} {{.State}}");
  const nodes = list(`label=io.x-k8s.kind.cluster=${clusterName}`);
  const stopped = [...nodes, ...list(`name=^${clusterName}-registry$`)].filter((line) => !line.endsWith(" running"));
  if (stopped.length > 0) {
    const names = stopped.map((line) => line.replace(/ .*/, ""));
    return problem(
      `Containers of the cluster are stopped: ${names.join(", ")}`,
      `Start them: docker start ${names.join(" ")}`,
    );
  }
  return nodes.length === 0
    ? ok(`Cluster ${clusterName}: does not exist yet`)
    : ok(`Cluster ${clusterName}: ${String(nodes.length)} nodes running`);
}

/** Checks the published ports. They must be free, or already held by the stack's own container. */
async function checkPorts(config: Settings): Promise<Finding[]> {
  if (config.target === "existing") return [];
  const isKind = config.target === "kind";
  const own = isKind ? `${config.clusterName}-control-plane` : `${config.network}-blog`;
  const registry = `${config.clusterName}-registry`;
  const kibana = hasLogging(config) ? Number(config.kibanaNodePort) : 0;
  return [
    await checkPort(own, config.hostPort, config.listenAddress, "hostPort"),
    ...(isKind ? [await checkPort(registry, config.registryPort, "127.0.0.1", "registryPort")] : []),
    ...(kibana === 0 ? [] : [await checkPort(own, kibana, "127.0.0.1", "kibanaNodePort")]),
  ];
}

async function checkPort(own: string, port: number, address: string, key: string): Promise<Finding> {
  const holder = dockerLines("ps", "--filter", `publish=${String(port)}`, "--format", "{{.Names}}").join(", ");
  if (holder === own) return ok(`Port ${String(port)} is used by this stack`);
  const busy = holder ? `container ${holder}` : await portError(port, address);
  return busy
    ? problem(
        `Port ${String(port)} of ${address} cannot be used (${busy})`,
        `Stop the program that uses it, or choose another port: "npm run pulumi -- config set ${key} PORT"`,
      )
    : ok(`Port ${String(port)} is free`);
}

/** The error code of listening on a port, or undefined if the port is free. */
export async function portError(port: number, address: string): Promise<string | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, address), "listening");
    await once(server.close(), "close");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

// https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
function checkInotify(): Finding[] {
  if (process.platform !== "linux") return [];
  return Object.entries({ max_user_watches: 524288, max_user_instances: 512 }).map(([name, wanted]) => {
    const key = `fs.inotify.${name}`;
    const value = Number(readFileSync(`/proc/sys/fs/inotify/${name}`, "utf8"));
    return value >= wanted
      ? ok(`${key} is ${String(value)}`)
      : warning(
          `${key} is ${String(value)}: pods may fail with "too many open files"`,
          `Raise it: sudo sysctl ${key}=${String(wanted)}`,
        );
  });
}

/** The output of `docker info`, or the reason for its failure. */
async function dockerInfo(): Promise<Engine | string> {
  const json = async (...args: string[]) =>
    JSON.parse((await execute("docker", [...args, "--format", "{{json .}}"])).stdout) as unknown;
  try {
    const [info, version] = await Promise.all([json("info"), json("version")]);
    if (isPodman(info, version)) return "docker is Podman's here, without kind's networks and Docker's build";
    const { ServerErrors, ...engine } = info as Engine & { ServerErrors?: string[] };
    return ServerErrors?.join("; ") ?? engine;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    return code === "ENOENT" ? "there is no docker command" : (stderr ?? String(error)).trim();
  }
}

/** Whether the `docker` command is Podman, or talks to a Podman service. */
export function isPodman(info: unknown, version: unknown): boolean {
  const { Server } = version as { Server?: { Components?: { Name: string }[] } };
  const isService = (Server?.Components ?? []).some(({ Name }) => Name.includes("Podman"));
  return isService || !(info as Partial<Engine>).ServerVersion;
}

export function report(findings: Finding[]): string {
  const mark = { ok: "✓", warning: "!", problem: "✗" };
  return findings
    .map(({ level, message, remedy }) => `${mark[level]} ${message}${remedy ? `\n    → ${remedy}` : ""}`)
    .join("\n");
}
