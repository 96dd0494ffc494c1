import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

import { stringify } from "yaml";

import type { Engine } from "../../scripts/lib/checks/engine.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import type { Resource } from "../../scripts/lib/state.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

/** What `docker info` prints. */
export const engine: Engine = {
  ServerVersion: "29.1.0",
  OSType: "linux",
  NCPU: 4,
  MemTotal: 8 * 2 ** 30,
  DockerRootDir: "/no/such/folder",
  OperatingSystem: "Fake",
  CgroupVersion: "2",
};

/** Settings with the prefix of a stack file. */
export function prefixed(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`koa-blog:${key}`, value]));
}

/** The commands print files, and `docker cp` copies from a folder. Everything else succeeds. */
const docker = `case "$1 $*" in
"info "*) cat "$FAKES/engine" ;;
"context context inspect "*) cat "$FAKES/endpoint" ;;
"version "*) echo '{"Server":{"Components":[]}}' ;;
"ps "*publish=*) cat "$FAKES/ports/\${3#publish=}" 2>/dev/null || true ;;
"ps "*label=kind-cluster.token=*) ! grep -q "\${5#label=kind-cluster.token=}$" "$FAKES/containers" || echo 0123 ;;
"ps "*label=io.x-k8s.kind.cluster=*) grep control-plane "$FAKES/containers" | cut -f 1 ;;
"ps "*) cat "$FAKES/containers" ;;
"rm "*control-plane) sed -i.old /control-plane/d "$FAKES/containers" ;;
"rm "*) : >"$FAKES/containers" ;;
"exec "*/readyz*) [ ! -e "$FAKES/silent" ] ;;
"cp "*)
  file=$FAKES/nodes/\${2%%:*}\${2#*:}
  [ -e "$file" ] || { echo "Could not find the file \${2#*:}" >&2; exit 1; }
  tar -cf - -C "$(dirname "$file")" "$(basename "$file")" ;;
esac`;

/**
 * A copy of the commands in a temporary folder, with its own state. The programs docker, kind, kubectl and pulumi are
 * fakes that record their calls.
 */
export class FakeProject {
  readonly folder = temporaryFolder();
  #runs = 0;

  constructor() {
    for (const path of ["scripts", "components/kind", "db/backup.sh", "settings.ts", "package.json", "Pulumi.yaml"]) {
      const filter = (source: string) => !source.includes("node_modules");
      cpSync(join(projectFolder, path), join(this.folder, path), { recursive: true, filter });
    }
    symlinkSync(join(projectFolder, "node_modules"), join(this.folder, "node_modules"));
    this.reset();
  }

  /** Forgets the stack, the clusters and the calls. */
  reset(): void {
    for (const path of [".state", "kind-cluster", "fakes"]) {
      rmSync(join(this.folder, path), { recursive: true, force: true });
    }
    this.fake("docker", docker);
    this.fake("kind", 'case "$1" in version) echo "kind v0.33.0" ;; esac');
    this.fake("kubectl", "");
    this.fake("pulumi", 'case "$1" in version) echo v3.265.0 ;; esac');
    this.write("fakes/endpoint", "unix:///var/run/docker.sock\n");
    this.write("fakes/engine", JSON.stringify(engine));
    this.write("fakes/containers", "");
    this.write("fakes/calls", "");
    this.write(".state/passphrase", "fake\n");
    this.configure({});
    this.record([]);
  }

  /** Writes the settings of the stack. */
  configure(values: Record<string, unknown>): void {
    this.write("Pulumi.dev.yaml", stringify({ config: prefixed(values) }));
  }

  /** Writes the state of the stack. */
  record(resources: Resource[]): void {
    const content = { version: 3, checkpoint: { latest: { resources } } };
    this.write(".state/.pulumi/stacks/koa-blog/dev.json", JSON.stringify(content));
  }

  /** Adds a kind cluster with one node, and its registry, to the engine. */
  addCluster(name: string, { token = "", state = "running", registryToken = "" } = {}): void {
    const registry = registryToken && `${name}-registry\trunning\t\t${registryToken}\n`;
    this.write("fakes/containers", `${name}-control-plane\t${state}\t${name}\t\n${registry}`);
    this.write(`fakes/nodes/${name}-control-plane/kind/version`, "v1.26.0");
    if (token) this.write(`fakes/nodes/${name}-control-plane/kind/pulumi-token`, token);
  }

  /** Writes a fake program that records its calls. */
  fake(name: string, script: string): void {
    const path = `fakes/bin/${name}`;
    this.write(path, `#!/bin/sh\necho "${name} $*" >>"$FAKES/calls"\n${script}\n`);
    chmodSync(join(this.folder, path), 0o755);
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  exists(path: string): boolean {
    return existsSync(join(this.folder, path));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** The calls of a program, without its look for a version. */
  calls(program: string): string[] {
    const calls = this.read("fakes/calls").split("\n");
    return calls.filter((call) => call.startsWith(`${program} `) && call !== `${program} version`);
  }

  /** The environment of a user with the fakes on PATH. */
  environment(variables: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const fakes = join(this.folder, "fakes");
    const PATH = `${join(fakes, "bin")}:${process.env.PATH ?? ""}`;
    return { PATH, FAKES: fakes, HOME: this.folder, PULUMI_HOME: this.folder, ...variables };
  }

  /** Runs a command, such as `up`, inside this process. A process of its own would take a second. */
  async run(command: string, args: string[] = [], variables: NodeJS.ProcessEnv = {}) {
    const { argv, env, exitCode } = process;
    const { log, error } = console;
    const cwd = process.cwd();
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    const counts = signals.map((signal) => process.listenerCount(signal));
    const lines: string[] = [];
    process.argv = [process.execPath, command, ...args];
    process.env = this.environment(variables);
    process.exitCode = 0;
    process.chdir(this.folder);
    console.log = console.error = (line = "") => lines.push(String(line));
    try {
      // Node.js runs a module again if its URL has another query.
      const url = pathToFileURL(join(this.folder, `scripts/${command}.ts`)).href;
      await import(`${url}?${String((this.#runs += 1))}`);
      return { status: process.exitCode, output: lines.join("\n") };
    } finally {
      Object.assign(process, { argv, env, exitCode });
      Object.assign(console, { log, error });
      process.chdir(cwd);
      // A command ends with its process, and so does not remove its listeners.
      for (const [index, signal] of signals.entries()) {
        for (const listener of process.listeners(signal).slice(counts[index])) process.off(signal, listener);
      }
    }
  }

  /** Runs a command in a process of its own, without a terminal. */
  spawn(command: string, args: string[] = [], variables: NodeJS.ProcessEnv = {}) {
    return this.start(["node", "--import", "tsx", `scripts/${command}.ts`, ...args], variables).ended;
  }

  /** Starts a program in its own process group, like a terminal. With an answer, stdin stays open. */
  start([program = "", ...args]: string[], variables: NodeJS.ProcessEnv = {}, answer?: string) {
    const options = { cwd: this.folder, env: this.environment(variables), detached: true };
    const child = spawn(program, args, options);
    if (answer === undefined) child.stdin.end();
    else child.stdout.once("data", () => child.stdin.write(answer));
    return { child, ended: result(child) };
  }
}

async function result(child: ChildProcessWithoutNullStreams) {
  const ended = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, output: stdout + stderr };
}
