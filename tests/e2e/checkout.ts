import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parse, stringify } from "yaml";

import { projectFolder } from "../../scripts/lib/project.ts";
import { until } from "../until.ts";

/** Result of a command. */
export interface Ended {
  status: number | null;
  output: string;
  seconds: number;
}

/** Fails unless the output of an update names unchanged resources only. */
export function assertUnchanged(output: string): void {
  assert.match(output, /\d+ unchanged/);
  assert.doesNotMatch(output, /\d+ (created|updated|replaced|deleted)/);
}

/** Copies the project's files, except those that git ignores. The modes are those of a umask of 077. */
export function copyProject(folder: string): void {
  const tracked = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"];
  for (const path of execFileSync("git", tracked, { cwd: projectFolder, encoding: "utf8" }).split("\0")) {
    // git lists a file until its deletion is committed.
    if (!path || !existsSync(join(projectFolder, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(projectFolder, path), join(folder, path));
  }
  execFileSync("chmod", ["-R", "go=", folder]);
}

/** A copy of the project in a temporary folder, with its own state, cluster and ports. */
export class Checkout {
  /** Stands for the user's kubeconfig, which must stay unchanged. */
  readonly kubeconfig: string;
  readonly clusterName: string;
  readonly hostPort: number;
  readonly #base = mkdtempSync(join(tmpdir(), "koa-blog-e2e-"));
  readonly #stack: string;
  #folder = join(this.#base, "checkout");

  constructor(clusterName: string, hostPort: number, settings: Record<string, unknown> = {}, stack = "dev") {
    this.clusterName = clusterName;
    this.hostPort = hostPort;
    this.#stack = stack;
    this.kubeconfig = join(this.#base, "kubeconfig");
    copyProject(this.folder);
    const stackFile = join(this.folder, `Pulumi.${stack}.yaml`);
    if (!existsSync(stackFile)) cpSync(`${stackFile}.example`, stackFile);
    // Unique ports, next to other stacks.
    const ports = { hostPort, registryPort: hostPort + 1000, kibanaPort: hostPort + 2000 };
    this.configure({ clusterName, ...ports, ...imagesFromEnvironment(), ...settings });
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: this.folder, stdio: "ignore" });
    execFileSync("git", ["init", "--quiet"], { cwd: this.folder });
    execFileSync("git", ["add", "--all"], { cwd: this.folder });
  }

  get folder(): string {
    return this.#folder;
  }

  get url(): string {
    return `http://localhost:${String(this.hostPort)}`;
  }

  /** Writes settings into the stack's file. */
  configure(values: Record<string, unknown>): void {
    const path = join(this.folder, `Pulumi.${this.#stack}.yaml`);
    const file = parse(readFileSync(path, "utf8")) as { config: Record<string, unknown> };
    for (const [key, value] of Object.entries(values)) file.config[`koa-blog:${key}`] = value;
    writeFileSync(path, stringify(file));
  }

  /** Runs an npm script of the project and waits for it. */
  npm(script: string, ...args: string[]): Ended {
    return this.npmWith({}, script, ...args);
  }

  /** Like `npm`, with more environment variables. */
  npmWith(variables: Record<string, string>, script: string, ...args: string[]): Ended {
    const start = Date.now();
    const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", script, "--", ...args], {
      cwd: this.folder,
      env: { ...this.#environment, ...variables },
      // Not a terminal, and empty.
      input: "",
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    return { status, output: stdout + stderr, seconds: (Date.now() - start) / 1000 };
  }

  /** Like `npm`. Fails if the script fails. */
  succeeds(script: string, ...args: string[]): Ended {
    const ended = this.npm(script, ...args);
    assert.equal(ended.status, 0, ended.output);
    return ended;
  }

  /** Like `npm`. Fails if the script succeeds, or if its output does not match. */
  refuses(message: RegExp, script: string, ...args: string[]): string {
    const { status, output } = this.npm(script, ...args);
    assert.notEqual(status, 0, output);
    assert.match(output, message);
    return output;
  }

  /** Starts a script in its own process group, like a terminal. */
  start(script: string, ...args: string[]): ChildProcess {
    return spawn("npm", ["run", "--silent", script, "--", ...args], {
      cwd: this.folder,
      env: this.#environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** The outputs of the stack, secrets included. */
  outputs(): Record<string, unknown> {
    const { output } = this.npm("pulumi", "stack", "output", "--json", "--show-secrets");
    return JSON.parse(output.slice(output.indexOf("{"))) as Record<string, unknown>;
  }

  /** Runs kubectl in the control-plane node, so this machine needs none. */
  kubectl(...args: string[]): string {
    return docker("exec", `${this.clusterName}-control-plane`, "kubectl", "--namespace", "koa-blog", ...args);
  }

  /** Name of the container of the cluster's registry. */
  get registry(): string {
    return `${this.clusterName}-registry`;
  }

  /** The image reference in the blog's Deployment. */
  blogImage(): string {
    return this.kubectl("get", "deployment/koa-blog", "--output", "jsonpath={.spec.template.spec.containers[0].image}");
  }

  /** The project files that a run has changed. */
  gitStatus(): string {
    return execFileSync("git", ["status", "--porcelain"], { cwd: this.folder, encoding: "utf8" })
      .split("\n")
      .filter((line) => line && !line.startsWith("A "))
      .join("\n");
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  /** Moves the checkout to another folder. */
  move(): void {
    const folder = join(this.#base, "moved");
    renameSync(this.#folder, folder);
    this.#folder = folder;
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, PULUMI_STACK: this.#stack };
  }
}

const imageVariables = {
  nodeImage: "E2E_NODE_IMAGE",
  registryImage: "E2E_REGISTRY_IMAGE",
  baseImage: "E2E_BASE_IMAGE",
  mysqlImage: "E2E_MYSQL_IMAGE",
  elasticsearchImage: "E2E_ELASTICSEARCH_IMAGE",
  kibanaImage: "E2E_KIBANA_IMAGE",
  fluentdImage: "E2E_FLUENTD_IMAGE",
};

/** The image settings of environment variables, such as those of a mirror. */
function imagesFromEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(imageVariables).flatMap(([key, variable]) => {
      const value = process.env[variable];
      return value ? [[key, value]] : [];
    }),
  );
}

/** Sends SIGKILL to the process group of a script, and waits for its end. */
export async function kill({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  process.kill(-pid, "SIGKILL");
  await until("the killed run is gone", 30, () => {
    try {
      process.kill(-pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}

/** Runs docker and returns its output without the last newline. */
export function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** The containers, networks and volumes of the Docker engine. */
export function engineObjects(): Record<"containers" | "networks" | "volumes", string[]> {
  const list = (...args: string[]) =>
    docker(...args)
      .split("\n")
      .filter(Boolean)
      .sort();
  return {
    containers: list("ps", "--all", "--format", "{{.Names}}"),
    networks: list("network", "ls", "--format", "{{.Name}}"),
    volumes: list("volume", "ls", "--format", "{{.Name}}"),
  };
}
