import { execFile, execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { renderFolder } from "../../components/loggingFiles.ts";
import { fluentdState, loggingNames } from "../../components/loggingNames.ts";
import { configDefaults } from "../../scripts/lib/project.ts";

/** The image to test with: `TEST_FLUENTD_IMAGE`, or the stack's default. */
export const fluentdImage = process.env.TEST_FLUENTD_IMAGE ?? String(configDefaults().fluentdImage);

/** Whether the engine has the image; it is not pulled for a test. */
export const hasFluentd = () => spawnSync("docker", ["image", "inspect", fluentdImage]).status === 0;

export const password = "the-password-of-fluentd";

/** Fluentd as the stack configures it, on a node that is a folder: its container sees the folder as /var/log/pods. */
export class FluentdNode {
  readonly #folder = mkdtempSync(join(tmpdir(), "koa-blog-fluentd-"));
  readonly #container: string;

  /** @param port - port of this machine on which Elasticsearch is to be found */
  constructor(port: number) {
    const files = renderFolder("logging/fluentd", ".conf", {
      ...loggingNames,
      namespace: "logging",
      elasticsearchHost: "host.docker.internal",
      stateFolder: fluentdState,
      bufferLimit: "64m",
    });
    mkdirSync(this.#path("etc"));
    mkdirSync(this.#path("pods"));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(this.#path("etc", name), text.replace("port 9200", `port ${String(port)}`));
    }
    writeFileSync(this.#path("FLUENTD_PASSWORD"), password);
    this.#container = docker("create", ...this.#options("--no-supervisor"), fluentdImage);
  }

  /** What Fluentd says of its configuration, with its exit code. */
  dryRun(): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(
      "docker",
      ["run", "--rm", ...this.#options("--dry-run"), fluentdImage],
      { encoding: "utf8" },
    );
    return { status, output: stdout + stderr };
  }

  /** Starts Fluentd, for the first time or again, with what it left behind. */
  start(): void {
    docker("start", this.#container);
  }

  /** Stops it as Kubernetes does, with a minute to finish, in which the test's own servers go on answering. */
  async stop(): Promise<void> {
    await promisify(execFile)("docker", ["stop", "--time", "60", this.#container]);
  }

  kill(): void {
    docker("kill", this.#container);
  }

  logs(): string {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.#container], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Appends to a log file, such as `koa-blog_blog-1_UID/blog/0.log`. */
  append(file: string, text: string | Buffer): void {
    mkdirSync(dirname(this.#path("pods", file)), { recursive: true });
    appendFileSync(this.#path("pods", file), text);
  }

  /** Renames a log file as the kubelet does. */
  rotate(file: string): void {
    renameSync(this.#path("pods", file), `${this.#path("pods", file)}.20261123-101500`);
  }

  /** Deletes the log files of a pod, as the kubelet does with the pod. */
  deletePod(folder: string): void {
    rmSync(this.#path("pods", folder), { recursive: true });
  }

  remove(): void {
    docker("rm", "--force", "--volumes", this.#container);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(...parts: string[]): string {
    return join(this.#folder, ...parts);
  }

  #options(fluentdOptions: string): string[] {
    return [
      ...["--add-host", "host.docker.internal:host-gateway"],
      ...["--volume", `${this.#path("etc")}:/fluentd/etc:ro`, "--volume", `${this.#path("pods")}:/var/log/pods:ro`],
      ...["--volume", `${this.#path("FLUENTD_PASSWORD")}:/run/FLUENTD_PASSWORD:ro`],
      ...["--env", "FLUENTD_PASSWORD_FILE=/run/FLUENTD_PASSWORD", "--env", "K8S_NODE_NAME=node-1"],
      ...["--env", `FLUENTD_OPT=${fluentdOptions}`],
    ];
  }
}

let nanoseconds = 0n;

/** A line as the container runtime writes it, at a time of its own: each a microsecond after the one before. */
export function cri(message: string, { stream = "stdout", tag = "F" } = {}): string {
  nanoseconds += 1000n;
  const fraction = String(nanoseconds).padStart(9, "0");
  return `2026-11-23T10:15:00.${fraction}Z ${stream} ${tag} ${message}\n`;
}

/** A long line as the runtime cuts it: parts of 16 KiB, then the rest. */
export function criParts(message: string, size = 16 * 1024): string {
  const parts = message.match(new RegExp(`.{1,${String(size)}}`, "g")) ?? [];
  return parts.map((part, index) => cri(part, { tag: index < parts.length - 1 ? "P" : "F" })).join("");
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}
