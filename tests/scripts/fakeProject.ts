import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

import { stringify } from "yaml";

import type { Engine } from "../../scripts/lib/checks/engine.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import type { Resource } from "../../scripts/lib/state.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const engine = {
  ServerVersion: "29.1.0",
  OSType: "linux",
  NCPU: 4,
  MemTotal: 8 * 2 ** 30,
  DockerRootDir: "/no/such/folder",
  OperatingSystem: "Fake",
  CgroupVersion: "2",
};

/** `docker info` and `docker ps` print files, and `docker cp` copies from a folder. Everything else succeeds. */
const docker = `case "$1 $*" in
"info "*) cat "$FAKES/engine" ;;
"context context inspect "*) cat "$FAKES/endpoint" ;;
"version "*) echo '{"Server":{"Components":[]}}' ;;
"ps "*publish=*) cat "$FAKES/ports/\${3#publish=}" 2>/dev/null || true ;;
"ps "*label=kind-cluster.token=*) ! grep -q "\${5#label=kind-cluster.token=}$" "$FAKES/containers" || echo 0123 ;;
"ps "*label=io.x-k8s.kind.cluster=*) cut -f 1 "$FAKES/containers" ;;
"ps "*) cat "$FAKES/containers" ;;
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
  readonly #fakes = join(this.folder, "fakes");

  constructor() {
    for (const path of ["scripts", "components/kind", "db/backup.sh", "settings.ts", "package.json", "Pulumi.yaml"]) {
      const filter = (source: string) => !source.includes("node_modules");
      cpSync(join(projectFolder, path), join(this.folder, path), { recursive: true, filter });
    }
    symlinkSync(join(projectFolder, "node_modules"), join(this.folder, "node_modules"));
    this.fake("docker", docker);
    this.fake("kind", 'case "$1" in version) echo "kind v0.33.0" ;; esac');
    this.fake("kubectl", "");
    this.fake("pulumi", 'case "$1" in version) echo v3.265.0 ;; *) env >"$FAKES/environment" ;; esac');
    this.write("fakes/endpoint", "unix:///var/run/docker.sock\n");
    this.setEngine({});
    this.write("fakes/containers", "");
    this.write(".state/passphrase", "fake\n");
    this.configure({});
    this.record([]);
  }

  /** Writes the settings of the stack. */
  configure(values: Record<string, unknown>): void {
    const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`koa-blog:${key}`, value]));
    this.write("Pulumi.dev.yaml", stringify({ config }));
  }

  /** Writes the state of the stack. */
  record(resources: Resource[]): void {
    const content = { version: 3, checkpoint: { latest: { resources } } };
    this.write(".state/.pulumi/stacks/koa-blog/dev.json", JSON.stringify(content));
  }

  /** Changes what `docker info` prints. */
  setEngine(changes: Partial<Engine>): void {
    this.write("fakes/engine", JSON.stringify({ ...engine, ...changes }));
  }

  /** Adds a kind cluster with one node to the engine. */
  addCluster(name: string, { token, state = "running" }: { token?: string; state?: string } = {}): void {
    this.write("fakes/containers", `${name}-control-plane\t${state}\t${name}\t\n`);
    this.write(`fakes/nodes/${name}-control-plane/kind/version`, "v1.26.0");
    if (token) this.write(`fakes/nodes/${name}-control-plane/kind/pulumi-token`, token);
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  exists(path: string): boolean {
    return existsSync(join(this.folder, path));
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** Runs a command, such as `up`, without a terminal. */
  run(command: string, args: string[] = [], environment: Record<string, string> = {}) {
    const child = this.#spawn(["node", "--import", "tsx", `scripts/${command}.ts`, ...args], environment);
    child.stdin.end();
    return result(child);
  }

  /** Starts a command in its own process group, like a terminal. */
  start(command: string, args: string[] = []) {
    const child = this.#spawn(["node", "--import", "tsx", `scripts/${command}.ts`, ...args], {}, true);
    return { child, ended: result(child) };
  }

  /** Runs a command on a terminal of util-linux. A user types the answer to its question. */
  runOnTerminal(command: string, answer: string) {
    const child = this.#spawn(["script", "-qec", `node --import tsx scripts/${command}.ts`, "/dev/null"], {});
    child.stdout.once("data", () => child.stdin.write(answer));
    return result(child);
  }

  #spawn([program = "", ...args]: string[], environment: Record<string, string>, detached = false) {
    const { PATH = "", HOME = "" } = process.env;
    const fakes = { PATH: `${join(this.#fakes, "bin")}:${PATH}`, FAKES: this.#fakes, PULUMI_HOME: this.folder };
    return spawn(program, args, { cwd: this.folder, env: { HOME, ...fakes, ...environment }, detached });
  }

  /** The calls of a program, without its look for a version. */
  calls(program: string): string[] {
    if (!this.exists("fakes/calls")) return [];
    const prefix = `${program} `;
    const calls = this.read("fakes/calls").trim().split("\n");
    return calls.filter((call) => call.startsWith(prefix) && call !== `${prefix}version`);
  }

  /** Writes a fake program that records its calls. */
  fake(name: string, script: string): void {
    this.write(`fakes/bin/${name}`, `#!/bin/sh\necho "${name} $*" >>"$FAKES/calls"\n${script}\n`);
    chmodSync(join(this.#fakes, "bin", name), 0o755);
  }
}

async function result(child: ChildProcessWithoutNullStreams) {
  const ended = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, output: stdout + stderr };
}
