import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { delimiter } from "node:path";

import { dockerEndpoint, isOnThisMachine } from "./dockerEndpoint.ts";
import { configDefaults } from "./project.ts";

/** A way to run MySQL on this machine. */
export interface MysqlServer {
  /** The name of the data's folder, because a server cannot read the data of another kind. */
  kind: "container" | "mysql" | "mariadb";
  /** Such as `mysql:9.7.2 in a container` or `mariadbd 11.8.9-MariaDB`. */
  description: string;
  program: string;
  /** The program that creates the system tables, and its arguments. */
  initialize: [program: string, ...args: string[]];
}

// Debian installs the servers into a folder that is not on a user's PATH.
export const serverEnvironment = { ...process.env, PATH: `${process.env.PATH ?? ""}${delimiter}/usr/sbin` };

/** The image of the container. */
export const mysqlImage =
  process.env.MYSQL_IMAGE ?? process.env.TEST_MYSQL_IMAGE ?? String(configDefaults().mysqlImage);
const mysql = { program: "mysqld", initialize: ["mysqld", "--initialize-insecure"] } satisfies Partial<MysqlServer>;

/** @throws Error with the remedy if this machine cannot run MySQL */
export function findMysqlServer(): MysqlServer {
  const docker = run("docker", "version", "--format", "{{.Server.Version}}");
  const isHere = docker.status === 0 && isOnThisMachine(dockerEndpoint() ?? "");
  if (isHere) return { ...mysql, kind: "container", description: `${mysqlImage} in a container` };
  for (const program of ["mysqld", "mariadbd"]) {
    const { status, stdout } = run(program, "--no-defaults", "--version");
    if (status !== 0) continue;
    const description = `${program} ${/Ver (\S+)/.exec(stdout)?.[1] ?? ""}`;
    // MariaDB also installs itself as mysqld.
    return description.includes("MariaDB")
      ? {
          kind: "mariadb",
          description,
          program,
          initialize: ["mariadb-install-db", "--skip-test-db", "--skip-name-resolve"],
        }
      : { ...mysql, kind: "mysql", description };
  }
  const reason = (docker.error?.message ?? docker.stderr).trim().split("\n").at(-1) ?? "";
  throw new Error(
    `MySQL cannot run here. No Docker engine of this machine answers (${reason}), and neither mysqld nor mariadbd is on PATH. ` +
      "Start Docker, or install MySQL 8 or later or MariaDB 11.4.5 or later.",
  );
}

/** The container's name for a folder. */
export function containerName(folder: string): string {
  return `koa-blog-mysql-${createHash("sha256").update(folder).digest("hex").slice(0, 12)}`;
}

/** Downloads the image if the engine lacks it, and shows the progress. */
export function pullImage(): void {
  if (run("docker", "image", "inspect", mysqlImage).status === 0) return;
  const { status } = spawnSync("docker", ["pull", mysqlImage], { stdio: "inherit" });
  if (status !== 0) throw new Error(`${mysqlImage} cannot be downloaded. Name another image in MYSQL_IMAGE.`);
}

/**
 * The command that runs a program of the server.
 *
 * @param folder that the program may write
 * @param port of 127.0.0.1 that a container publishes
 */
export function serverCommand(
  { kind }: MysqlServer,
  folder: string,
  port: number,
  program: string,
  args: string[],
): [program: string, args: string[]] {
  const [uid = 0, gid = 0] = isRootless() ? [] : [process.getuid?.(), process.getgid?.()];
  // MySQL refuses to run as root without this.
  const all = ["--no-defaults", ...args, ...(uid === 0 ? ["--user=root"] : [])];
  if (kind !== "container") return [program, all];
  const publish = `127.0.0.1:${String(port)}:${String(port)}`;
  // The files belong to this user. The folder has the same path in the container.
  const options = ["--user", `${String(uid)}:${String(gid)}`, "--volume", `${folder}:${folder}`];
  const name = ["--rm", "--name", containerName(folder), "--entrypoint", program];
  return ["docker", ["run", ...name, ...options, "--publish", publish, mysqlImage, ...all]];
}

/** Whether root in a container is this user, which is so for Docker without root. */
function isRootless(): boolean {
  return run("docker", "info", "--format", "{{.SecurityOptions}}").stdout.includes("rootless");
}

function run(program: string, ...args: string[]) {
  // A Docker engine on another machine may not answer at all.
  return spawnSync(program, args, { encoding: "utf8", env: serverEnvironment, timeout: 10_000 });
}
