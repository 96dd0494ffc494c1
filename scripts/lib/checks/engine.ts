import { execFile } from "node:child_process";
import { statfsSync } from "node:fs";
import { promisify } from "node:util";

import type { Settings } from "../../../settings.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const execute = promisify(execFile);
const gibibyte = 2 ** 30;

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

/** The output of `docker info`, or the reason for its failure. */
export async function dockerInfo(): Promise<Engine | string> {
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

/** Memory and disk that the stack needs, in GiB. */
function needs({ target, logging }: Pick<Settings, "target" | "logging">): { memory: number; disk: number } {
  // For an existing cluster, the engine only builds the image.
  if (target === "existing") return { memory: 1, disk: 5 };
  return logging ? { memory: 6, disk: 15 } : { memory: 3.5, disk: 10 };
}

/** Disk for an update of a stack that has all its images, in GiB. */
const diskForUpdate = 3;

/**
 * @param options - `isInstalled` says that the engine already has the stack's images and volumes. `isRemote` says that
 *   it is on another machine.
 */
export function checkEngine(
  engine: Engine,
  config: Pick<Settings, "target" | "logging">,
  { isInstalled = false, isRemote = false } = {},
): Finding[] {
  const { memory: needed, disk } = needs(config);
  const memory = engine.MemTotal / gibibyte;
  const without =
    config.target === "kind" && config.logging
      ? ', or switch the logs off: "npm run pulumi -- config set logging false"'
      : "";
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
    isRemote
      ? ok("Disk: not checked, because the engine is on another machine")
      : checkDisk(engine.DockerRootDir, isInstalled ? diskForUpdate : disk),
    ...checkSnap(engine),
  ];
}

/** Warns of Docker from snap. Whether a kind cluster runs there depends on the version of snapd, so it only warns. */
function checkSnap({ DockerRootDir }: Engine): Finding[] {
  if (!DockerRootDir.startsWith("/var/snap/")) return [];
  return [
    warning(
      "Docker is installed from snap, whose AppArmor profile refuses the option no-new-privileges",
      'If containers exit with "operation not permitted", install Docker from Docker\'s own packages',
    ),
  ];
}

function checkDisk(folder: string, needed: number): Finding {
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(folder);
    free = (bavail * bsize) / gibibyte;
  } catch {
    return ok(`Disk: not checked, because ${folder} is not on this machine`);
  }
  return free >= needed
    ? ok(`Disk: ${free.toFixed(0)} GiB free in ${folder}`)
    : problem(
        `${folder} has ${free.toFixed(1)} GiB free, and the stack needs ${String(needed)} GiB`,
        'Free disk space, such as with "docker system prune"',
      );
}

/** Warns of node images that do not start on cgroup v1. Images from other builders may start, so it only warns. */
export function checkCgroups({ CgroupVersion }: Pick<Engine, "CgroupVersion">, nodeImage: string): Finding[] {
  const [, minor = "0", patch] = /:v1\.(\d+)\.(\d+)/.exec(nodeImage) ?? [];
  // kind 0.17 built v1.26.0: https://github.com/kubernetes-sigs/kind/releases/tag/v0.20.0
  // Kubelets: https://kubernetes.io/docs/concepts/architecture/cgroups/#deprecation-of-cgroup-v1
  const needsVersion2 = (minor === "26" && patch === "0") || Number(minor) >= 35;
  if (CgroupVersion !== "1" || !needsVersion2) return [];
  return [
    warning(
      `The engine has cgroup v1, and ${nodeImage} may not start there`,
      'Boot this machine with cgroup v2, or choose another image of README.md, "Kubernetes versions"',
    ),
  ];
}
