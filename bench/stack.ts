// Compares `npm run up` with the same deployment by hand, which is bench/byHand.sh: kind create, docker build, kind
// load, kubectl apply. Its manifests and its kind configuration come from the state of `up`, so both deploy the same
// objects. The two take turns, after a first `up` that is not counted.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { configDefaults, projectFolder } from "../scripts/lib/project.ts";
import { Client } from "../tests/client.ts";
import { Checkout } from "../tests/e2e/checkout.ts";
import { until } from "../tests/until.ts";

const runs = Number(process.env.BENCH_RUNS ?? 3);
const clusterName = "koa-blog-bench-e2e";

/** What the bench reads of a resource in Pulumi's state. */
interface Resource {
  type: string;
  inputs?: Manifest & { stdin?: string };
}

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** A deployment by hand: a folder with manifests and kind's configuration, and the images for the workers. */
interface ByHand {
  folder: string;
  images: string[];
}

/** Writes the files of a deployment by hand, from the state of a running stack. */
function render(checkout: Checkout): ByHand {
  const { output } = checkout.succeeds("pulumi", "stack", "export", "--show-secrets");
  const state = JSON.parse(output.slice(output.indexOf("{")), reveal) as { deployment: { resources: Resource[] } };
  const { resources } = state.deployment;
  const folder = mkdtempSync(join(tmpdir(), "koa-blog-bench-"));
  const kindConfig = resources.find(({ inputs }) => inputs?.stdin?.includes("kind: Cluster"))?.inputs?.stdin;
  writeFileSync(join(folder, "kind.yaml"), kindConfig ?? "");

  const images = new Set<string>();
  const objects = resources.flatMap(({ type, inputs }) => (type.startsWith("kubernetes:") && inputs ? [inputs] : []));
  // By hand, the nodes have the published images, instead of their copies in the registry.
  const copies = new RegExp(`"localhost:${String(checkout.hostPort + 1000)}/([^"]+)"`, "g");
  const text = JSON.stringify(objects).replaceAll(copies, (_, image: string) => {
    if (image.startsWith("koa-blog:")) return '"koa-blog:by-hand"';
    images.add(image);
    return `"${image}"`;
  });
  stepsOf(JSON.parse(text) as Manifest[]).forEach(({ name, items }, index) => {
    const file = `${String(index + 10)}-${name}.json`;
    writeFileSync(join(folder, file), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  });
  return { folder, images: [...images] };
}

/** Replaces a secret of `pulumi stack export --show-secrets` by its value. */
function reveal(_: string, value: unknown): unknown {
  const plaintext = (value as { plaintext?: string } | null)?.plaintext;
  return plaintext === undefined ? value : (JSON.parse(plaintext) as unknown);
}

const orderOfSteps = ["namespace", "configuration", "services"];

/**
 * The objects in the original's order: namespace, configuration, Services, then pods. Pods stay in the order of the
 * state, which is that of their dependencies. The logs come after the blog.
 */
function stepsOf(objects: Manifest[]): { name: string; items: Manifest[] }[] {
  const rank = (object: Manifest) => {
    const rankOfStep = orderOfSteps.indexOf(stepOf(object));
    return (isOfLogging(object) ? 10 : 0) + (rankOfStep < 0 ? orderOfSteps.length : rankOfStep);
  };
  const steps: { name: string; items: Manifest[] }[] = [];
  for (const object of objects.sort((one, other) => rank(one) - rank(other))) {
    const name = stepOf(object);
    const last = steps.at(-1);
    if (last?.name === name) last.items.push(object);
    else steps.push({ name, items: [object] });
  }
  return steps;
}

/** bench/byHand.sh waits for "pods" and "job". */
function stepOf({ kind }: Manifest): string {
  const steps: Record<string, string> = {
    ...{ Namespace: "namespace", Service: "services", Job: "job" },
    ...{ StatefulSet: "pods", Deployment: "pods", DaemonSet: "pods" },
  };
  return steps[kind] ?? "configuration";
}

/** The logs have their own namespace, and the only objects without one. */
function isOfLogging({ kind, metadata: { name, namespace } }: Manifest): boolean {
  return (kind === "Namespace" ? name : (namespace ?? "logging")) === "logging";
}

/** Deploys by hand, and deletes the cluster. Notes the seconds until the blog answered, and those of each step. */
async function byHand({ folder, images }: ByHand, checkout: Checkout, suffix: string): Promise<void> {
  const script = spawn("sh", [join(projectFolder, "bench/byHand.sh")], {
    cwd: checkout.folder,
    env: {
      ...process.env,
      CLUSTER: clusterName,
      FOLDER: folder,
      URL: checkout.url,
      BASE_IMAGE: process.env.E2E_BASE_IMAGE ?? String(configDefaults().baseImage),
      IMAGES: images.join(" "),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  script.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const begun: [step: string, time: number][] = [];
  createInterface(script.stdout).on("line", (step) => begun.push([step, Date.now()]));
  const status = await new Promise((resolve) => script.once("close", resolve));
  const end = Date.now();
  execFileSync("kind", ["delete", "cluster", "--name", clusterName, "--kubeconfig", "/dev/null"], { stdio: "pipe" });
  if (status !== 0) throw new Error(`bench/byHand.sh failed:\n${log}`);
  note(`by hand${suffix}`, (end - (begun[0]?.[1] ?? end)) / 1000);
  begun.forEach(([step, start], index) => {
    note(`  ${step}${suffix}`, ((begun[index + 1]?.[1] ?? end) - start) / 1000);
  });
}

/** Seconds from the start of `up` until both pods serve a changed page. */
async function oneLineChange(checkout: Checkout, mark: string): Promise<number> {
  const page = "service/views/base.html";
  checkout.write(page, checkout.read(page).replace(/(<!-- bench.*? -->)?<\/body>/, `<!-- bench ${mark} --></body>`));
  const start = Date.now();
  const up = checkout.start("up");
  const ended = new Promise<number | null>((resolve) => up.once("exit", resolve));
  await until("both pods serve the change", 300, () => serves(checkout, mark));
  const seconds = (Date.now() - start) / 1000;
  if ((await ended) !== 0) throw new Error("npm run up failed. See its output.");
  return seconds;
}

/** Each request goes to a random pod, so 20 requests reach both pods. */
async function serves(checkout: Checkout, mark: string): Promise<boolean> {
  for (let time = 0; time < 20; time += 1) {
    const { text } = await new Client(checkout.url).get("/");
    if (!text.includes(`bench ${mark} `)) return false;
  }
  return true;
}

const times: Record<string, number[]> = {};
function note(what: string, seconds: number): void {
  (times[what] ??= []).push(seconds);
  console.log(`${what}: ${seconds.toFixed(1)} s`);
}

for (const logging of process.env.E2E_WITHOUT_LOGGING ? [false] : [false, true]) {
  const suffix = logging ? ", with logging" : "";
  const checkout = new Checkout(clusterName, 30440, { logging });
  let files: ByHand | undefined;
  try {
    for (let run = 0; run <= runs; run += 1) {
      const { seconds } = checkout.succeeds("up");
      if (files) {
        note(`up${suffix}`, seconds);
        note(`up with no change${suffix}`, checkout.succeeds("up").seconds);
        note(`a line changed, until both pods serve it${suffix}`, await oneLineChange(checkout, String(run)));
      }
      files ??= render(checkout);
      checkout.succeeds("destroy", "--yes");
      if (run < runs) await byHand(files, checkout, suffix);
    }
  } finally {
    checkout.npm("destroy", "--yes");
    checkout.remove();
    if (files) rmSync(files.folder, { recursive: true });
  }
}

const median = (values: number[] = []) => [...values].sort((one, other) => one - other)[values.length >> 1] ?? NaN;
console.log(`\nMedians of ${String(runs)} runs:`);
for (const [what, values] of Object.entries(times)) {
  console.log(`${what.padEnd(60)}${median(values).toFixed(1).padStart(7)} s`);
}
for (const suffix of ["", ", with logging"].filter((suffix) => times[`up${suffix}`])) {
  const ratios: [one: string, other: string, aim: number][] = [
    ["up", "by hand", 0.8],
    ["up with no change", "up", 0.08],
    ["a line changed, until both pods serve it", "by hand", 0.1],
  ];
  for (const [one, other, aim] of ratios) {
    const ratio = median(times[one + suffix]) / median(times[other + suffix]);
    const verdict = `aim: ${String(aim)}, ${ratio <= aim ? "met" : "missed"}`;
    console.log(`${one}${suffix}: ${ratio.toFixed(2)} of ${other} (${verdict})`);
  }
}
