import { execFileSync } from "node:child_process";

import { stackLabels } from "../../components/stackLabels.ts";
import { projectFolder, stackName } from "./project.ts";

/** Docker's filters for what the stack has made. */
export const ownFilters = stackLabels(stackName, projectFolder).flatMap(({ label, value }) => [
  "--filter",
  `label=${label}=${value}`,
]);

/** Names of the stack's containers, running or not. */
export function containerNames(): string[] {
  return list("ps", "--all", ...ownFilters, "--format", "{{.Names}}");
}

/**
 * Removes containers and networks that carry the stack's labels, and on demand its volumes: what a killed run made that no
 * state knows of.
 */
export function removeByLabel({ volumes }: { volumes: boolean }): void {
  // Volumes without a name go with their container.
  remove("container", containerNames(), "--force", "--volumes");
  remove("network", list("network", "ls", ...ownFilters, "--format", "{{.Name}}"));
  if (volumes) remove("volume", list("volume", "ls", ...ownFilters, "--format", "{{.Name}}"));
}

/**
 * Names that the stack wants and somebody else has: Docker would let two networks have one name, and hand out a volume
 * that is there.
 *
 * @returns each with its kind, such as `network koa-blog`
 */
export function foreignNames(network: string): string[] {
  const wanted = { network: [network], volume: [`${network}-mysql-data`] };
  const containers = ["mysql", "migration", "blog"].map((suffix) => `${network}-${suffix}`);
  const foreign = (kind: string, names: string[], ...ls: string[]) => {
    const own = list(...ls, ...ownFilters);
    return list(...ls)
      .filter((name) => names.includes(name) && !own.includes(name))
      .map((name) => `${kind} ${name}`);
  };
  return [
    ...foreign("network", wanted.network, "network", "ls", "--format", "{{.Name}}"),
    ...foreign("volume", wanted.volume, "volume", "ls", "--format", "{{.Name}}"),
    ...foreign("container", containers, "ps", "--all", "--format", "{{.Names}}"),
  ];
}

function remove(kind: string, names: string[], ...flags: string[]): void {
  if (names.length > 0) execFileSync("docker", [kind, "rm", ...flags, ...names], { stdio: "ignore" });
}

function list(...args: string[]): string[] {
  return execFileSync("docker", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}
