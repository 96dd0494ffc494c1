import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { fluentdVariables } from "../../components/logging/fluentd.ts";
import { configDefaults, projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { BulkServer } from "./elasticsearch.ts";

/** The image to test with: `TEST_FLUENTD_IMAGE`, or the stack's default. */
const fluentdImage = process.env.TEST_FLUENTD_IMAGE ?? String(configDefaults().fluentdImage);

export const password = "the-password-of-fluentd";

/** Waits until a condition holds. Returns after the limit too, so that the caller asserts the result. */
export async function until(condition: () => boolean, seconds = 20): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
}

interface Pipeline {
  readonly elasticsearch: BulkServer;
  readonly node: FluentdNode;
}

/**
 * Creates Fluentd and the Elasticsearch that it writes to, for the calling suite. Skips its tests without the image.
 *
 * @param settle - creates the options of {@link FluentdNode}
 */
export function useFluentd(settle: () => NodeOptions | Promise<NodeOptions> = () => ({})): Pipeline {
  let elasticsearch: BulkServer | undefined;
  let node: FluentdNode | undefined;

  before("create Fluentd", async function () {
    // Tests do not pull the image.
    if (spawnSync("docker", ["image", "inspect", fluentdImage]).status !== 0) {
      console.log(`      skipped: the Docker engine has no ${fluentdImage}; TEST_FLUENTD_IMAGE names another`);
      this.skip();
    }
    elasticsearch = new BulkServer();
    node = new FluentdNode(await elasticsearch.listen(), await settle());
  });

  after("remove Fluentd", () => {
    node?.remove();
    elasticsearch?.close();
  });

  return {
    get elasticsearch() {
      assert.ok(elasticsearch, "Elasticsearch runs only during the suite's tests and hooks.");
      return elasticsearch;
    },
    get node() {
      assert.ok(node, "Fluentd runs only during the suite's tests and hooks.");
      return node;
    },
  };
}

interface NodeOptions {
  /** Size of each buffer, in Fluentd's units. Defaults to 512m. */
  bufferLimit?: string;
  /** More arguments of `docker run`. */
  run?: string[];
}

/** Fluentd with the stack's configuration. A folder of this machine is its /var/log/pods. */
export class FluentdNode {
  readonly #folder = temporaryFolder();
  readonly #container: string;

  /** @param port - port of Elasticsearch on this machine */
  constructor(port: number, { bufferLimit = "512m", run = [] }: NodeOptions = {}) {
    cpSync(join(projectFolder, "logging/fluentd"), this.#path("etc"), { recursive: true });
    mkdirSync(this.#path("pods"));
    mkdirSync(this.#path("containers"));
    const output = readFileSync(this.#path("etc", "elasticsearch.conf"), "utf8");
    writeFileSync(
      this.#path("etc", "elasticsearch.conf"),
      output.replace("port 9200", `port ${String(port)}`).replace("limit_size 512m", `limit_size ${bufferLimit}`),
    );
    writeFileSync(this.#path("FLUENTD_PASSWORD"), password);
    this.#container = docker("create", ...this.#options(), ...run, fluentdImage);
  }

  /** Lets Fluentd check its configuration. */
  dryRun(): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(
      "docker",
      ["run", "--rm", ...this.#options({ FLUENTD_OPT: "--dry-run" }), fluentdImage],
      { encoding: "utf8" },
    );
    return { status, output: stdout + stderr };
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

  logs(): string {
    const { stdout, stderr } = spawnSync("docker", ["logs", this.#container], { encoding: "utf8" });
    return stdout + stderr;
  }

  /** Whether Fluentd runs, and whether the kernel has killed it for its memory. */
  state(): { running: boolean; outOfMemory: boolean } {
    const format = '{"running":{{.State.Running}},"outOfMemory":{{.State.OOMKilled}}}';
    return JSON.parse(docker("inspect", "--format", format, this.#container)) as ReturnType<FluentdNode["state"]>;
  }

  /** Appends to a log file, such as `koa-blog_blog-1_UID/blog/0.log`. */
  append(file: string, text: string | Buffer): void {
    mkdirSync(dirname(this.#path("pods", file)), { recursive: true });
    appendFileSync(this.#path("pods", file), text);
  }

  /** Appends to a log file of Docker's runtime, to which the file of the pod is a link. */
  appendDocker(file: string, text: string): void {
    const name = `${file.replaceAll("/", "-")}-json.log`;
    const link = this.#path("pods", file);
    mkdirSync(dirname(link), { recursive: true });
    appendFileSync(this.#path("containers", name), text);
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(`/var/lib/docker/containers/${name}`, link);
  }

  /** Deletes a log file, and gives its inode to a new file. */
  reuseInode(deleted: string, created: string, text: string): void {
    mkdirSync(dirname(this.#path("pods", created)), { recursive: true });
    renameSync(this.#path("pods", deleted), this.#path("pods", created));
    truncateSync(this.#path("pods", created));
    this.append(created, text);
  }

  /** Renames a log file like the kubelet. */
  rotate(file: string): void {
    renameSync(this.#path("pods", file), `${this.#path("pods", file)}.20261123-101500`);
  }

  /** Deletes the log files of a pod, like the kubelet. */
  deletePod(folder: string): void {
    rmSync(this.#path("pods", folder), { recursive: true });
  }

  remove(): void {
    docker("rm", "--force", "--volumes", this.#container);
  }

  #path(...parts: string[]): string {
    return join(this.#folder, ...parts);
  }

  #options(variables: Partial<typeof fluentdVariables> = {}): string[] {
    return [
      ...["--add-host", "elasticsearch:host-gateway", "--add-host", "host.docker.internal:host-gateway"],
      ...["--volume", `${this.#path("etc")}:/fluentd/etc:ro`, "--volume", `${this.#path("pods")}:/var/log/pods:ro`],
      ...["--volume", `${this.#path("containers")}:/var/lib/docker/containers:ro`],
      ...["--volume", `${this.#path("FLUENTD_PASSWORD")}:/run/FLUENTD_PASSWORD:ro`],
      ...["--env", "FLUENTD_PASSWORD_FILE=/run/FLUENTD_PASSWORD", "--env", "K8S_NODE_NAME=node-1"],
      ...["--env", "LOGGING_NAMESPACE=logging"],
      ...Object.entries({ ...fluentdVariables, ...variables }).flatMap((pair) => ["--env", pair.join("=")]),
    ];
  }
}

let nanoseconds = 0n;

/** A line in the format of the container runtime. Each line is a microsecond later than the previous one. */
export function cri(message: string, { stream = "stdout", tag = "F" } = {}): string {
  nanoseconds += 1000n;
  const fraction = String(nanoseconds).padStart(9, "0");
  return `2026-11-23T10:15:00.${fraction}Z ${stream} ${tag} ${message}\n`;
}

/** A long line that the container runtime splits into parts of 16 KiB. */
export function criParts(message: string, size = 16 * 1024): string {
  const parts = message.match(new RegExp(`.{1,${String(size)}}`, "g")) ?? [];
  return parts.map((part, index) => cri(part, { tag: index < parts.length - 1 ? "P" : "F" })).join("");
}

/** A line in the format of Docker's runtime, in parts of 16 KiB. */
export function dockerLines(message: string, stream = "stdout"): string {
  const parts = message.match(/.{1,16384}/g) ?? [""];
  const time = cri("").split(" ")[0];
  return parts
    .map((part, index) => ({ log: index < parts.length - 1 ? part : `${part}\n`, stream, time }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}
