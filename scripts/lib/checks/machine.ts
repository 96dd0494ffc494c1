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
