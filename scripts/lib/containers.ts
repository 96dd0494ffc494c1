import { execFileSync } from "node:child_process";

import { stackLabels } from "../../components/kubernetes/stackLabels.ts";
import { projectFolder, stackName } from "./project.ts";

/** Docker filters that select the objects of this stack. */
export const ownFilters = stackLabels(stackName, projectFolder).flatMap(({ label, value }) => [
  "--filter",
  `label=${label}=${value}`,
]);

const listings = {
  network: ["network", "ls", "--format", "{{.Name}}"],
  volume: ["volume", "ls", "--format", "{{.Name}}"],
  container: ["ps", "--all", "--format", "{{.Names}}"],
};
type Kind = keyof typeof listings;

/** Runs docker and returns the lines that it prints. */
export function dockerLines(...args: string[]): string[] {
  return execFileSync("docker", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}

/** Name of the stack's blog container. @throws Error if there is none */
export function blogContainer(): string {
  const name = ownNames("container").find((candidate) => candidate.endsWith("-blog"));
  if (!name) throw new Error('The blog does not run. Start it with "PULUMI_STACK=containers npm run up".');
  return name;
}

/** Removes the stack's containers and networks by label. A killed run leaves some that are not in Pulumi's state. */
export function removeByLabel({ volumes }: { volumes: boolean }): void {
  remove("container", ownNames("container"));
  remove("network", ownNames("network"));
  if (volumes) remove("volume", ownNames("volume"));
}

/** Removes the stack's containers that the state does not record. Their names would conflict in the next run. */
export function removeUnrecordedContainers(recorded: string[]): void {
  const ids = dockerLines("ps", "--all", "--no-trunc", ...ownFilters, "--format", "{{.ID}}");
  const unrecorded = ids.filter((id) => !recorded.includes(id));
  remove("container", unrecorded);
}

/**
 * Existing objects with the stack's names that belong to another owner, each with its kind, such as `network koa-blog`.
 * Docker allows two networks of one name, and reuses an existing volume.
 */
export function foreignNames(network: string): string[] {
  const wanted = {
    network: [network],
    volume: [`${network}-mysql-data`],
    container: ["mysql", "migration", "blog"].map((suffix) => `${network}-${suffix}`),
  };
  return (Object.keys(wanted) as Kind[]).flatMap((kind) => {
    const own = ownNames(kind);
    const foreign = dockerLines(...listings[kind]).filter((name) => wanted[kind].includes(name) && !own.includes(name));
    return foreign.map((name) => `${kind} ${name}`);
  });
}

function ownNames(kind: Kind): string[] {
  return dockerLines(...listings[kind], ...ownFilters);
}

function remove(kind: Kind, names: string[]): void {
  // --volumes removes the anonymous volumes of a container.
  const flags = kind === "container" ? ["--force", "--volumes"] : [];
  if (names.length > 0) execFileSync("docker", [kind, "rm", ...flags, ...names], { stdio: "ignore" });
}
