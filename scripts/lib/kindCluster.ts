import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { stackName } from "./project.ts";

/** The owner in the tokens of the stack's cluster and registry, such as `koa-blog/dev`. */
export const owner = `koa-blog/${stackName}`;

/** The containers of a kind cluster and of its registry. components/kind/scripts explains the tokens. */
export interface FoundCluster {
  /** The state is Docker's, such as `running`. */
  containers: { name: string; state: string }[];
  /** Undefined if another program created the cluster. */
  token: string | undefined;
  registryToken: string | undefined;
  /** Whether an interrupted run of this stack left the cluster incomplete. */
  isIncomplete: boolean;
  /** Whether a version of this project before 1.0.0 created the cluster. */
  isOld: boolean;
}

export function findCluster(name: string): FoundCluster {
  const columns = ["{{.Names}}", "{{.State}}", '{{.Label "io.x-k8s.kind.cluster"}}', '{{.Label "kind-cluster.token"}}'];
  const containers = dockerLines("ps", "--all", "--format", columns.join("\t"))
    .map((line) => line.split("\t"))
    .map(([container = "", state = "", cluster = "", token = ""]) => ({ name: container, state, cluster, token }))
    .filter((container) => container.cluster === name || container.name === `${name}-registry`);
  const node = `${name}-control-plane`;
  return {
    containers,
    token: readInContainer(node, "/kind/pulumi-token"),
    registryToken: containers.find((container) => container.name === `${name}-registry`)?.token,
    isIncomplete: existsSync(incompleteFile(name)),
    isOld: readInContainer(node, "/kind/generation") !== undefined,
  };
}

/** The file that exists until Pulumi's state has the cluster. */
export function incompleteFile(cluster: string): string {
  return join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "kind-cluster", owner, cluster);
}

/** Runs docker and returns the lines that it prints. */
export function dockerLines(...args: string[]): string[] {
  return execFileSync("docker", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}

/** Content of a file in a container, running or stopped. Undefined if there is no such container or file. */
function readInContainer(container: string, path: string): string | undefined {
  const copy = spawnSync("docker", ["cp", `${container}:${path}`, "-"]);
  return copy.status === 0 ? execFileSync("tar", ["-xOf", "-"], { input: copy.stdout, encoding: "utf8" }) : undefined;
}
