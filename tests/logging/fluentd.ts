import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { fluentdVariables } from "../../components/logging/fluentd.ts";
import { configDefaults, projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

/** The image to test with: `TEST_FLUENTD_IMAGE`, or the stack's default. */
const fluentdImage = process.env.TEST_FLUENTD_IMAGE ?? String(configDefaults().fluentdImage);

/** Fluentd's password for Elasticsearch. */
export const password = "the-password-of-fluentd";

/** Skips the suite if the Docker engine has no image of Fluentd. Tests do not pull it. */
export function skipWithoutImage(context: Mocha.Context): void {
  if (spawnSync("docker", ["image", "inspect", fluentdImage]).status === 0) return;
  console.log(`      skipped: the Docker engine has no ${fluentdImage}; TEST_FLUENTD_IMAGE names another`);
  context.skip();
}

/** Waits until a condition holds. Returns after the limit too, so that the caller asserts the result. */
export async function until(condition: () => boolean | Promise<boolean>, seconds = 45): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition()) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** UID of a pod. */
export const uidOf = (pod: string) => createHash("md5").update(pod).digest("hex");

/** Fluentd with the stack's configuration and its pod's memory. A folder of this machine is its /var/log/pods. */
export class FluentdNode {
  readonly #folder = temporaryFolder();
  readonly #container: string;

  /**
   * @param port - port of Elasticsearch on this machine
   * @param settings - texts of elasticsearch.conf, and their replacements
   * @param options - more options of `docker run`
   */
  constructor(port: number, settings: Record<string, string> = {}, options: string[] = []) {
    cpSync(join(projectFolder, "logging/fluentd"), join(this.#folder, "etc"), { recursive: true });
    for (const folder of ["pods", "containers"]) mkdirSync(join(this.#folder, folder));
    const output = join(this.#folder, "etc/elasticsearch.conf");
    // By default, a thread waits a second between two chunks, and there is a chunk for each file.
    const quick = { "max_interval 10s": "max_interval 1s\n  flush_thread_burst_interval 0" };
    const replacements = { "port 9200": `port ${String(port)}`, ...quick, ...settings };
    for (const [text, replacement] of Object.entries(replacements)) {
      writeFileSync(output, readFileSync(output, "utf8").replace(text, replacement));
    }
    writeFileSync(join(this.#folder, "FLUENTD_PASSWORD"), password);
    const variables = { ...fluentdVariables, K8S_NODE_NAME: "node-1", LOGGING_NAMESPACE: "logging" };
    this.#container = docker(
      ...["create", "--memory", "192m", "--memory-swap", "192m", "--publish", "127.0.0.1::24220"],
      ...["--add-host", "elasticsearch:host-gateway", "--add-host", "host.docker.internal:host-gateway"],
      ...["--volume", `${this.#folder}/etc:/fluentd/etc:ro`, "--volume", `${this.#folder}/pods:/var/log/pods:ro`],
      ...["--volume", `${this.#folder}/containers:/var/lib/docker/containers:ro`],
      ...["--volume", `${this.#folder}/FLUENTD_PASSWORD:/run/FLUENTD_PASSWORD:ro`],
      ...["--env", "FLUENTD_PASSWORD_FILE=/run/FLUENTD_PASSWORD"],
      ...Object.entries(variables).flatMap((pair) => ["--env", pair.join("=")]),
      ...[...options, fluentdImage],
    );
  }

  /** Starts Fluentd, or starts it again with its positions and buffer. */
  start(): void {
    docker("start", this.#container);
  }

  /** Stops Fluentd like Kubernetes, with a timeout of a minute. This process's servers keep answering meanwhile. */
  async stop(): Promise<void> {
    await promisify(execFile)("docker", ["stop", "--time", "60", this.#container]);
  }

  kill(): void {
    docker("kill", this.#container);
  }

  remove(): void {
    docker("rm", "--force", "--volumes", this.#container);
  }

  logs(): string {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.#container], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Whether Fluentd runs, and whether the kernel has killed it for its memory. */
  state(): string {
    return docker("inspect", "--format", "{{.State.Status}}, OOM: {{.State.OOMKilled}}", this.#container);
  }

  /** The state of Fluentd's output, from the URL that the pod's probes request. */
  async output(): Promise<Record<string, unknown> | undefined> {
    // Docker accepts connections before Fluentd does.
    const signal = AbortSignal.timeout(2000);
    const response = await fetch(`http://${docker("port", this.#container, "24220")}/api/plugins.json`, { signal });
    const { plugins } = (await response.json()) as { plugins: Record<string, unknown>[] };
    return plugins.find((plugin) => plugin.plugin_id === "elasticsearch");
  }

  /** Path of a log file of a pod. */
  file(pod: string, { namespace = "koa-blog", name = "0.log" } = {}): string {
    return join(this.#folder, "pods", `${namespace}_${pod}_${uidOf(pod)}`, "app", name);
  }

  append(file: string, text: string | Buffer): void {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, text);
  }

  /** Writes a log file of Docker's runtime, to which the file of the pod is a link. */
  writeDocker(pod: string, text: string | Buffer): void {
    writeFileSync(join(this.#folder, "containers", `${pod}-json.log`), text);
    mkdirSync(dirname(this.file(pod)), { recursive: true });
    symlinkSync(`/var/lib/docker/containers/${pod}-json.log`, this.file(pod));
  }
}

let nanoseconds = 0n;

/** A line in the format of the container runtime. Each line is a microsecond later than the previous one. */
export function cri(message: string, { stream = "stdout", tag = "F" } = {}): string {
  nanoseconds += 1000n;
  return `2026-11-23T10:15:00.${String(nanoseconds).padStart(9, "0")}Z ${stream} ${tag} ${message}\n`;
}

/** Lines in the format of the container runtime, which splits long ones into parts of 16 KiB. */
export function criLines(...lines: string[]): string {
  return lines
    .map((line) => line.match(/.{1,16384}/g) ?? [""])
    .flatMap((parts) => parts.map((part, index) => cri(part, { tag: index < parts.length - 1 ? "P" : "F" })))
    .join("");
}

/** Lines in the format of Docker's runtime, which splits them as well. The parts of a line have the same time. */
export function dockerLines(lines: string[], stream = "stdout"): string {
  return lines
    .map((line) => ({ parts: `${line}\n`.match(/[^]{1,16384}/g) ?? [], time: cri("").split(" ")[0] }))
    .flatMap(({ parts, time }) => parts.map((log) => `${JSON.stringify({ log, stream, time })}\n`))
    .join("");
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}
