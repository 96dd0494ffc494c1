import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { answersOk, fetchAnew, Visitor } from "./blog.ts";
import { chromiumPath, hasChromium, openBrowser, overflow, violations } from "./browser.ts";
import { assertUnchanged, Checkout, docker, kill, until } from "./checkout.ts";
import { useSnapDocker } from "./snapDocker.ts";
import { addressOf, reachable } from "./stranger.ts";

const clusterName = "koa-blog-e2e";
const otherKubeconfig = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n";

interface Step {
  op: string;
  urn: string;
}

/** The whole life of a stack on kind. The tests build on each other, so the first failure stops them. */
describe("The stack on a real cluster", () => {
  let checkout: Checkout;
  let visitor: Visitor;
  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const nodes = () => docker("ps", "--all", "--quiet", "--filter", `label=io.x-k8s.kind.cluster=${clusterName}`);
  const registry = () => docker("ps", "--all", "--quiet", "--filter", `name=^${checkout.registry}$`);
  let volumes: string[];
  let restorePath: (() => void) | undefined;
  const answers = () => answersOk(checkout.url);
  const podNodes = () =>
    checkout
      .kubectl("get", "pods", "--selector", "app.kubernetes.io/name=koa-blog", "--output", podFields)
      .split("\n")
      .filter((line) => line.endsWith("="))
      .map((line) => line.slice(0, -1))
      .sort();
  // The node of each pod, and the start of its termination.
  const podFields = "jsonpath={range .items[*]}{.spec.nodeName}={.metadata.deletionTimestamp}{'\\n'}{end}";
  const stateFile = () => checkout.read(".state/.pulumi/stacks/koa-blog/dev.json");
  const changes = (): string[] => {
    const { output } = checkout.succeeds("preview", "--json");
    const { steps } = JSON.parse(output.slice(output.indexOf("{"))) as { steps: Step[] };
    const changed = steps.filter(({ op }) => op !== "same").map(({ urn }) => urn.split("::").at(-1) ?? "");
    return [...new Set(changed)].sort();
  };

  before(() => {
    restorePath = useSnapDocker();
    if (!restorePath) report("skipped: a docker with a /tmp of its own, because this user cannot mount one");
    volumes = docker("volume", "ls", "--quiet").split("\n").sort();
    // logging.test.ts tests a stack with logging.
    checkout = new Checkout(clusterName, 30424, { logging: false });
    visitor = new Visitor(checkout.url);
    writeFileSync(checkout.kubeconfig, otherKubeconfig);
    // A killed kubectl leaves this lock.
    writeFileSync(`${checkout.kubeconfig}.lock`, "");
  });

  after(function () {
    try {
      if (this.currentTest?.isFailed()) console.log(checkout.kubectl("get", "pods,events", "--output", "wide"));
    } catch {
      console.log("      The cluster does not say what is in it.");
    }
    checkout.npm("destroy");
    checkout.remove();
    restorePath?.();
  });

  it("passes the doctor's check", () => {
    const { output } = checkout.succeeds("doctor");
    assert.match(output, /✓ Docker engine/);
  });

  it("refuses a wrong setting before anything is created", () => {
    checkout.configure({ replicas: 0 });
    const { status, output } = checkout.npm("up");
    assert.notEqual(status, 0);
    assert.match(output, /replicas: expected a whole number from 1 to 20, got "0"/);
    assert.equal(nodes(), "");
    checkout.configure({ replicas: 2 });
  });

  it("previews on an empty machine, and makes nothing", () => {
    const { output } = checkout.succeeds("preview");
    for (const resource of [
      "kind-cluster",
      "registry-container",
      "mysql-pushed",
      "blog-image",
      "mysql-statefulset",
      "blog-job",
      "blog-deployment",
    ]) {
      assert.match(output, new RegExp(`${resource}\\s+create`));
    }
    assert.equal(nodes(), "");
  });

  it("comes up with one command, and leaves the checkout clean and the user's kubeconfig alone", async () => {
    const { output, seconds } = checkout.succeeds("up");
    report(`up from nothing: ${seconds.toFixed(0)} s`);
    assert.ok(output.includes(`The blog answers on ${checkout.url}`), output);
    assert.match(output, /MySQL +docker exec/);
    // The command waits for one answer. The path to the other pod may need a moment more.
    await until("the blog answers", 10, answers);
    assert.equal(checkout.gitStatus(), "");
    assert.equal(readFileSync(checkout.kubeconfig, "utf8"), otherKubeconfig);
    const { credentials, kubeconfig } = checkout.outputs() as {
      credentials: Record<string, string>;
      kubeconfig: string;
    };
    const key = /client-key-data: (\S+)/.exec(kubeconfig)?.[1];
    const secrets = [credentials.mysqlPassword, credentials.mysqlRootPassword, credentials.sessionKeys, key];
    for (const secret of secrets) {
      assert.ok(secret && secret.length >= 32);
      assert.ok(!output.includes(secret), "a secret is in the output of up");
      assert.ok(!stateFile().includes(secret), "a secret is in the plain state");
    }
  });

  it("serves the blog: register, log in, write", async () => {
    const registered = await visitor.submit("/auth/register", { username: "ada", password: "lovelace" });
    assert.equal(registered.headers.get("location"), "/auth/login");
    const loggedIn = await visitor.submit("/auth/login", { username: "ada", password: "lovelace" });
    assert.equal(loggedIn.headers.get("location"), "/");
    const created = await visitor.submit("/create", { title: "First post", body: "Written through the NodePort" });
    assert.equal(created.headers.get("location"), "/");
    assert.match((await visitor.get("/")).text, /First post/);
  });

  it("serves a person with a phone: no script, no horizontal scrolling, no accessibility violation", async function () {
    if (!hasChromium()) {
      console.log(`      skipped: there is no Chromium at ${chromiumPath}`);
      this.skip();
    }
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
      const problems: string[] = [];
      page.on("console", (message) => problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(error.message));
      const inspect = async () => {
        assert.deepEqual(await violations(page), [], page.url());
        assert.equal(await overflow(page), 0, page.url());
      };
      await page.goto(checkout.url);
      await inspect();
      await page.getByRole("link", { name: "Register" }).click();
      await page.getByLabel("Username").fill("grace");
      await page.getByLabel("Password").fill("hopper");
      await inspect();
      await page.getByRole("button", { name: "Register" }).click();
      await page.waitForURL("**/auth/login");
      await page.getByLabel("Username").fill("grace");
      await page.getByLabel("Password").fill("hopper");
      await page.getByRole("button", { name: "Log In" }).click();
      await page.getByRole("link", { name: "New" }).click();
      const title = `<script>alert("title")</script> ${"long".repeat(40)}`;
      await page.getByLabel("Title").fill(title);
      await page.getByLabel("Body").fill("Two\nlines, <b>not bold</b>");
      await inspect();
      await page.getByRole("button", { name: "Save" }).click();
      assert.equal(await page.getByRole("heading", { level: 2 }).first().textContent(), title);
      await inspect();
      await page.getByRole("link", { name: /^Edit/ }).click();
      await page.getByLabel("Title").fill("Second post");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("heading", { name: "Second post" }).waitFor();
      await page.getByRole("link", { name: /^Edit/ }).click();
      await page.getByText("Delete this post").click();
      await inspect();
      await page.getByRole("button", { name: "Delete" }).click();
      await page.waitForURL(`${checkout.url}/`);
      assert.equal(await page.getByRole("heading", { name: "Second post" }).count(), 0);
      await page.getByRole("button", { name: "Log Out" }).click();
      await page.getByRole("link", { name: "Log In" }).waitFor();
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  });

  it("changes nothing when nothing has changed", () => {
    checkout.succeeds("preview", "--expect-no-changes");
    const { output } = checkout.succeeds("up");
    assertUnchanged(output);
  });

  it("runs each pod with no more than it needs, and the blog's on both workers", () => {
    assert.deepEqual(podNodes(), [`${clusterName}-worker`, `${clusterName}-worker2`]);
    for (const pod of ["mysql-0", "deployment/koa-blog"]) {
      const script = "id -u; touch /probe 2>&1; ls /var/run/secrets/kubernetes.io 2>&1; grep CapEff /proc/1/status";
      const output = checkout.kubectl("exec", pod, "--", "sh", "-c", `${script}; true`);
      assert.match(output, /^(999|1000)\n/, pod);
      assert.match(output, /touch: .*Read-only file system/, pod);
      assert.match(output, /ls: .*No such file or directory/, pod);
      assert.match(output, /CapEff:\s0+$/, pod);
    }
  });

  it("tells its status, and follows the blog's logs", async () => {
    assert.match(checkout.succeeds("status").output, new RegExp(`${checkout.url} answers 200`));
    const logs = checkout.start("logs");
    let output = "";
    logs.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await until("a request in the logs", 20, async () => {
      await visitor.get("/?from=the-logs-test");
      return output.includes('"/"');
    });
    if (logs.pid) process.kill(-logs.pid, "SIGINT");
  });

  it("has the flags of the controller manager that it asks for", () => {
    const manager = checkout.kubectl(
      ...["get", "pods", "--namespace", "kube-system", "--selector", "component=kube-controller-manager"],
      ...["--output", "jsonpath={.items[*].spec.containers[*].command}"],
    );
    assert.match(manager, /--node-monitor-grace-period=16s/);
    assert.match(manager, /--node-monitor-period=2s/);
    const lease = ["get", "lease", "--namespace", "kube-node-lease", `${clusterName}-worker`];
    assert.equal(checkout.kubectl(...lease, "--output", "jsonpath={.spec.leaseDurationSeconds}"), "8");
  });

  it("lets a stranger's pod reach the blog, but neither MySQL nor the metrics", async () => {
    const blog = addressOf(checkout, "koa-blog");
    const [http, metrics, mysql] = [`${blog}:5000`, `${blog}:9464`, `${addressOf(checkout, "mysql")}:3306`];
    const [stranger, prometheus, impostor] = await Promise.all([
      reachable(checkout, "stranger", [http, metrics, mysql]),
      reachable(checkout, "prometheus", [metrics, mysql], { "koa-blog/metrics-client": "true" }),
      // The NetworkPolicy of MySQL admits only pods of its namespace.
      reachable(checkout, "impostor", [mysql], { "koa-blog/mysql-client": "true" }),
    ]);
    assert.deepEqual({ stranger, prometheus, impostor }, { stranger: [http], prometheus: [metrics], impostor: [] });
  });

  for (const [what, ruin] of [
    ["deleted", () => docker("rm", "--force", "--volumes", checkout.registry)],
    ["emptied", () => docker("exec", checkout.registry, "rm", "-rf", "/var/lib/registry/docker")],
  ] as const) {
    it(`fills its registry again when it was ${what} by hand, and rolls nothing`, () => {
      ruin();
      assert.deepEqual(changes(), [
        // A change of the image replaces the component.
        ...[
          "blog",
          "blog-image",
          "migration",
          "migration-image",
          "mysql-pulled",
          "mysql-pushed",
          "registry-container",
          "registry-network",
        ],
      ]);
      const { seconds } = checkout.succeeds("up");
      report(`up with a registry that was ${what}: ${seconds.toFixed(0)} s`);
      checkout.succeeds("preview", "--expect-no-changes");
      for (const node of [`${clusterName}-worker`, `${clusterName}-worker2`]) {
        const pull = ["ctr", "--namespace", "k8s.io", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d"];
        docker("exec", node, ...pull, checkout.blogImage());
      }
    });
  }

  it("previews a change of one line exactly: in db/ with the migration, in service/ without it", () => {
    checkout.write("service/README.md", "Nothing that the image holds.\n");
    assert.deepEqual(changes(), []);
    const migrations = checkout.read("db/migrations/index.ts");
    checkout.write("db/migrations/index.ts", `${migrations}// One more line.\n`);
    assert.deepEqual(changes(), ["blog-deployment", "blog-image", "blog-job", "migration-image"]);
    checkout.write("db/migrations/index.ts", migrations);
    checkout.write("service/app.ts", `${checkout.read("service/app.ts")}// One more line.\n`);
    // The provider compares the whole build context, and builds the migration's image again without a change.
    assert.deepEqual(changes(), ["blog-deployment", "blog-image", "migration-image"]);
  });

  it("rolls that change out without one failed request, spread over the workers, data kept", async () => {
    const failures: string[] = [];
    let requests = 0;
    let rolling = true;
    const load = (async () => {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set after the run
      while (rolling) {
        requests += 1;
        await fetchAnew(checkout.url, { signal: AbortSignal.timeout(5000) }).then(
          ({ status }) => status === 200 || failures.push(String(status)),
          (error: unknown) => failures.push(String((error as Error).cause ?? error)),
        );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const up = checkout.start("up");
    const status = await new Promise((resolve) => up.on("exit", resolve));
    // The last old pods serve until kube-proxy has removed their endpoints.
    await new Promise((resolve) => setTimeout(resolve, 8000));
    rolling = false;
    await load;
    assert.equal(status, 0);
    report(`requests during the rollout: ${String(requests)}, failed: ${String(failures.length)}`);
    assert.deepEqual(failures, []);
    assert.deepEqual(podNodes(), [`${clusterName}-worker`, `${clusterName}-worker2`]);
    assert.match((await visitor.get("/")).text, /First post/);
  });

  it("arrives when it is killed between the push of an image and its rollout", async () => {
    const tags = () =>
      fetchAnew(`http://localhost:${String(checkout.hostPort + 1000)}/v2/koa-blog/tags/list`).then((answer) =>
        answer.text(),
      );
    const known = await tags();
    checkout.write("service/app.ts", `${checkout.read("service/app.ts")}// And another one.\n`);
    const killed = checkout.start("up");
    await until("the new image is in the registry", 120, async () => (await tags()) !== known);
    await kill(killed);
    checkout.succeeds("up");
    await until("the blog answers", 30, answers);
    assert.ok(checkout.blogImage().endsWith(`:${String(checkout.outputs().imageTag)}`));
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("refuses a larger volume at preview where the storage class cannot grow one, and changes nothing", () => {
    checkout.configure({ mysqlStorage: "2Gi" });
    const { status, output } = checkout.npm("preview");
    assert.notEqual(status, 0);
    assert.match(output, /mysqlStorage is 2Gi, the volume has 1Gi, and the StorageClass standard cannot grow it/);
    assert.match(output, /"npm run backup"/);
    checkout.configure({ mysqlStorage: "1Gi" });
  });

  it("asks for a larger volume where the storage class can grow one, and keeps the claim", () => {
    const claim = (field: string) =>
      checkout.kubectl("get", "persistentvolumeclaim/data-mysql-0", "--output", `jsonpath={${field}}`);
    const uid = claim(".metadata.uid");
    // kind's provisioner does not grow a volume, so the test sees the request only.
    checkout.kubectl("patch", "storageclass/standard", "--patch", '{"allowVolumeExpansion":true}');
    checkout.configure({ mysqlStorage: "2Gi" });
    assert.deepEqual(changes(), ["mysql-data"]);
    checkout.succeeds("up");
    assert.equal(claim(".spec.resources.requests.storage"), "2Gi");
    assert.equal(claim(".metadata.uid"), uid);
  });

  it("takes a new password to MySQL and rolls the pods that read it", async () => {
    checkout.succeeds("pulumi", "config", "set", "--secret", "mysqlPassword", "another password's turn");
    assert.deepEqual(changes(), [
      "blog-database-user",
      "blog-deployment",
      "blog-job",
      // The generated password is deleted.
      "blog-mysql-password",
      "mysql-statefulset",
    ]);
    checkout.succeeds("up");
    // Until an old pod has drained, it answers on open connections, and MySQL refuses its password.
    await until("the posts", 30, async () => /First post[^]*ada/.test((await visitor.get("/")).text));
  });

  it("answers 503 while MySQL is away, and recovers by itself", async () => {
    checkout.kubectl("scale", "statefulset/mysql", "--replicas=0", "--timeout=60s");
    await until("503", 60, async () => (await visitor.get("/")).status === 503);
    const start = Date.now();
    assert.equal((await visitor.get("/")).status, 503);
    assert.ok(Date.now() - start < 2500, "503 took longer than 2.5 s");
    checkout.kubectl("scale", "statefulset/mysql", "--replicas=1");
    await until("the blog answers", 120, answers);
    const restarts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}";
    const selector = ["--selector", "app.kubernetes.io/name=koa-blog"];
    assert.equal(checkout.kubectl("get", "pods", ...selector, "--output", restarts), "0 0");
  });

  it("notices a cluster that was deleted by hand, and arrives after two interrupted runs", async () => {
    docker("rm", "--force", "--volumes", ...nodes().split("\n"));
    assert.ok(changes().includes("kind-cluster"));

    const interrupted = checkout.start("up");
    await until("nodes are being made", 60, () => nodes().split("\n").length === 3);
    if (interrupted.pid) process.kill(-interrupted.pid, "SIGINT");
    await new Promise((resolve) => interrupted.on("exit", resolve));
    report("interrupted with Ctrl-C while the cluster was made");

    const killed = checkout.start("up");
    await until("MySQL is being started", 300, () => {
      try {
        return checkout.kubectl("get", "pods").includes("mysql-0");
      } catch {
        return false;
      }
    });
    await kill(killed);
    report("killed while MySQL was started");

    const { seconds } = checkout.succeeds("up");
    report(`up after that: ${seconds.toFixed(0)} s`);
    await until("the blog answers", 30, answers);
    checkout.succeeds("preview", "--expect-no-changes");
    const state = JSON.parse(stateFile()) as { checkpoint: { latest: { pending_operations?: unknown[] } } };
    assert.deepEqual(state.checkpoint.latest.pending_operations ?? [], []);
  });

  it("makes the cluster anew, with everything in it, when a setting asks for another", async () => {
    checkout.configure({ workers: 1, replicas: 1 });
    const changed = changes();
    for (const name of ["kind-cluster", "kind-mirror", "kind-provider", "mysql-statefulset", "blog-deployment"]) {
      assert.ok(changed.includes(name), `${name} is not in ${changed.join(", ")}`);
    }
    // The new cluster pulls the same images from the registry.
    assert.deepEqual(
      changed.filter((name) => /pulled|pushed|image|registry-/.test(name)),
      [],
    );
    checkout.succeeds("up");
    await until("the blog answers", 30, answers);
    assert.equal(nodes().split("\n").length, 2);
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("has a second stack next to it, which needs ports of its own, and comes and goes alone", async () => {
    const second = new Checkout("koa-blog-second-e2e", 30434, {
      ...{ logging: false, workers: 1, replicas: 1, registryPort: checkout.hostPort + 1000 },
    });
    try {
      const { status, output } = second.npm("up");
      assert.notEqual(status, 0);
      assert.match(
        output,
        /Port 31424 of 127.0.0.1 cannot be used \(container koa-blog-e2e-registry\)[^]*registryPort/,
      );
      second.configure({ registryPort: 31434 });
      second.succeeds("up");
      assert.equal((await fetchAnew(second.url)).status, 200);
      assert.equal(await answers(), true);
      checkout.succeeds("preview", "--expect-no-changes");
    } finally {
      second.succeeds("destroy");
      second.remove();
    }
    assert.equal(await answers(), true);
  });

  it("is destroyed with the cluster already gone, and leaves nothing", () => {
    docker("rm", "--force", "--volumes", ...nodes().split("\n"));
    const { seconds } = checkout.succeeds("destroy");
    report(`destroy: ${seconds.toFixed(0)} s`);
    assert.equal(nodes(), "");
    assert.equal(registry(), "");
    assert.deepEqual(docker("volume", "ls", "--quiet").split("\n").sort(), volumes);
    if (docker("ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster") === "") {
      assert.equal(docker("network", "ls", "--quiet", "--filter", "name=^kind$"), "");
    }
    assert.equal(readFileSync(checkout.kubeconfig, "utf8"), otherKubeconfig);
    assert.ok(!existsSync(join(checkout.folder, ".state", `kind-${clusterName}`)));
  });

  it("is destroyed after a run that was killed while it made the cluster", async () => {
    const killed = checkout.start("up");
    await until("nodes are being made", 90, () => nodes() !== "");
    await kill(killed);
    checkout.succeeds("destroy");
    assert.equal(nodes(), "");
    assert.equal(registry(), "");
  });
});
