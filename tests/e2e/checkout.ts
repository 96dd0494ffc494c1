import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parse, stringify } from "yaml";

import { projectFolder } from "../../scripts/lib/project.ts";

/** How a command ended. */
export interface Ended {
  status: number | null;
  output: string;
  seconds: number;
}

/** Copies what git tracks and what it does not ignore: a clone of now. */
export function copyProject(folder: string): void {
  const tracked = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"];
  for (const path of execFileSync("git", tracked, { cwd: projectFolder, encoding: "utf8" }).split("\0")) {
    if (!path) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(projectFolder, path), join(folder, path));
  }
}

/**
 * A clean checkout of the project in a folder of its own, as a user would have it, with its own state, cluster and port.
 * It contains what git tracks and what it does not ignore.
 */
export class Checkout {
  readonly folder: string;
  /** The user's own kubeconfig, in a place of its own here, to see that it stays as it is. */
  readonly kubeconfig: string;
  readonly clusterName: string;
  readonly hostPort: number;
  readonly #base = mkdtempSync(join(tmpdir(), "koa-blog-e2e-"));
  readonly #stack: string;

  constructor(clusterName: string, hostPort: number, settings: Record<string, unknown> = {}, stack = "dev") {
    this.clusterName = clusterName;
    this.hostPort = hostPort;
    this.#stack = stack;
    this.folder = join(this.#base, "checkout");
    this.kubeconfig = join(this.#base, "kubeconfig");
    copyProject(this.folder);
    const stackFile = join(this.folder, `Pulumi.${stack}.yaml`);
    if (!existsSync(stackFile)) cpSync(`${stackFile}.example`, stackFile);
    this.configure({ clusterName, hostPort, ...imagesFromEnvironment(), ...settings });
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: this.folder, stdio: "ignore" });
    execFileSync("git", ["init", "--quiet"], { cwd: this.folder });
    execFileSync("git", ["add", "--all"], { cwd: this.folder });
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

  /** Runs one of the project's npm scripts to its end. */
  npm(script: string, ...args: string[]): Ended {
    return this.npmWithInput("", script, ...args);
  }

  /** As `npm`, with text for the script's standard input. */
  npmWithInput(input: string, script: string, ...args: string[]): Ended {
    const start = Date.now();
    const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", script, "--", ...args], {
      cwd: this.folder,
      env: this.#environment,
      input,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    return { status, output: stdout + stderr, seconds: (Date.now() - start) / 1000 };
  }

  /** As `npm`, for a script that must not fail. */
  succeeds(script: string, ...args: string[]): Ended {
    const ended = this.npm(script, ...args);
    assert.equal(ended.status, 0, ended.output);
    return ended;
  }

  /** Starts one of the scripts in a process group of its own, as a terminal does. */
  start(script: string, ...args: string[]): ChildProcess {
    return this.startWith({}, script, ...args);
  }

  /** As `start`, with more variables in its environment. */
  startWith(environment: Record<string, string>, script: string, ...args: string[]): ChildProcess {
    return spawn("npm", ["run", "--silent", script, "--", ...args], {
      cwd: this.folder,
      env: { ...this.#environment, ...environment },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** The outputs of the stack, secrets included. */
  outputs(): Record<string, unknown> {
    const { output } = this.npm("pulumi", "stack", "output", "--json", "--show-secrets");
    return JSON.parse(output.slice(output.indexOf("{"))) as Record<string, unknown>;
  }

  /** Runs kubectl in the control-plane node, which needs no kubectl here. */
  kubectl(...args: string[]): string {
    return docker("exec", `${this.clusterName}-control-plane`, "kubectl", "--namespace", "koa-blog", ...args);
  }

  /** The blog's image as pods name it. */
  blogImage(): string {
    return this.kubectl("get", "deployment/koa-blog", "--output", "jsonpath={.spec.template.spec.containers[0].image}");
  }

  /** What of the project's files a run has changed. */
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

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, PULUMI_STACK: this.#stack };
  }
}

const imageVariables = {
  nodeImage: "E2E_NODE_IMAGE",
  baseImage: "E2E_BASE_IMAGE",
  mysqlImage: "E2E_MYSQL_IMAGE",
  elasticsearchImage: "E2E_ELASTICSEARCH_IMAGE",
  kibanaImage: "E2E_KIBANA_IMAGE",
  fluentdImage: "E2E_FLUENTD_IMAGE",
};

/** Variables that replace the published images, as a mirror would. */
function imagesFromEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(imageVariables).flatMap(([key, variable]) => {
      const value = process.env[variable];
      return value ? [[key, value]] : [];
    }),
  );
}

/** Kills a script and all that it started in its process group, as `kill -9` does, and waits until they are gone. */
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

/** What there is in the Docker engine, images aside. */
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

/** Waits until something is so. */
export async function until(what: string, seconds: number, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${String(seconds)} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
