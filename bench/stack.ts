// Compares the stack's times with `kind create cluster` for a cluster with the same nodes.
import { execFileSync } from "node:child_process";

import { stringify } from "yaml";

import { fetchAnew } from "../tests/e2e/blog.ts";
import { Checkout, docker, until } from "../tests/e2e/checkout.ts";

const runs = Number(process.env.BENCH_RUNS ?? 3);
const nodeImage = process.env.E2E_NODE_IMAGE ?? "kindest/node:v1.26.0";
const cluster = stringify({
  kind: "Cluster",
  apiVersion: "kind.x-k8s.io/v1alpha4",
  nodes: ["control-plane", "worker", "worker"].map((role) => ({ role, image: nodeImage })),
});

/** Seconds of `kind create cluster` until all nodes are ready. */
function kindCreate(): number {
  const name = "koa-blog-bench-e2e";
  const kind = (...args: string[]) =>
    execFileSync("kind", [...args, "--name", name, "--kubeconfig", "/dev/null"], { input: cluster, stdio: "pipe" });
  const start = Date.now();
  kind("create", "cluster", "--config", "-", "--wait", "180s");
  docker(
    ...["exec", `${name}-control-plane`, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"],
    ...["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=180s"],
  );
  const seconds = (Date.now() - start) / 1000;
  kind("delete", "cluster");
  return seconds;
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
    const response = await fetchAnew(checkout.url);
    if (!(await response.text()).includes(`bench ${mark} `)) return false;
  }
  return true;
}

const times: Record<string, number[]> = {};
const note = (what: string, seconds: number) => {
  (times[what] ??= []).push(seconds);
  console.log(`${what}: ${seconds.toFixed(1)} s`);
};
const variants = process.env.E2E_WITHOUT_LOGGING ? [false] : [false, true];

for (let run = 1; run <= runs; run += 1) {
  note("kind create cluster", kindCreate());
  for (const logging of variants) {
    const checkout = new Checkout("koa-blog-bench-e2e", 30440, { logging });
    try {
      note(`up from nothing, ${logging ? "with" : "without"} logging`, checkout.succeeds("up").seconds);
      if (logging) continue;
      note("up with no change", checkout.succeeds("up").seconds);
      note("a line changed, until both pods serve it", await oneLineChange(checkout, String(run)));
    } finally {
      checkout.succeeds("destroy");
      checkout.remove();
    }
  }
}

const median = (values: number[]) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
const base = median(times["kind create cluster"] ?? []);
console.log(`\nMedians of ${String(runs)} runs:`);
for (const [what, values] of Object.entries(times)) {
  console.log(`${what.padEnd(45)}${median(values).toFixed(1).padStart(7)} s ${(median(values) / base).toFixed(2)} ×`);
}
