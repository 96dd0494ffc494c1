import { readFileSync } from "node:fs";

import { findTool, isAtLeast, type Tool } from "../tools.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export function checkNode(version: string): Finding {
  return isAtLeast(version, "20.19.0")
    ? ok(`Node.js ${version}`)
    : problem(`Node.js is ${version}`, "Install Node.js 20.19 or later");
}

export function checkTool(tool: Tool, otherwise: string): Finding {
  const found = findTool(tool);
  if (!found) return ok(`${tool.name}: none on PATH, ${otherwise}`);
  return isAtLeast(found.version, tool.minimum)
    ? ok(`${tool.name} ${found.version} (${found.path})`)
    : ok(`${tool.name} ${found.version} on PATH is older than ${tool.minimum}, ${otherwise}`);
}

/**
 * A problem if MySQL 9 would crash in a loop, with "CPU does not support x86-64-v2".
 * https://github.com/docker-library/mysql/issues/1138
 *
 * @param cpuinfo - content of /proc/cpuinfo
 */
export function checkCpu(cpuinfo: string, mysqlImage: string): Finding[] {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(" ");
  const missing = ["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"].filter((flag) => !flags?.includes(flag));
  if (!flags || missing.length === 0 || !/(^|\/)mysql:9/.test(mysqlImage)) return [];
  return [
    problem(
      `The CPU lacks ${missing.join(", ")}, and ${mysqlImage} needs x86-64-v2`,
      'Give this virtual machine another CPU type, such as "host" in Proxmox and QEMU',
    ),
  ];
}

/** Content of /proc/cpuinfo on Linux with an x64 CPU, else empty. */
export function readCpuinfo(): string {
  return process.platform === "linux" && process.arch === "x64" ? readFileSync("/proc/cpuinfo", "utf8") : "";
}

// https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
export function checkInotify(): Finding[] {
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
