import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { answersOk, Client } from "../client.ts";
import { until } from "../until.ts";
import { chromiumPath, hasChromium, openBrowser, overflow, violations } from "./browser.ts";
import { assertUnchanged, Checkout, docker, engineObjects, kill } from "./checkout.ts";
import { useSnapDocker } from "./snapDocker.ts";
import { addressOf, reachable } from "./stranger.ts";

const clusterName = "koa-blog-e2e";
const workers = [`${clusterName}-worker`, `${clusterName}-worker2`];
const otherKubeconfig = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n";
const incomplete = join(homedir(), `.pulumi/kind-cluster/koa-blog/dev/${clusterName}`);
const registryImage = process.env.E2E_REGISTRY_IMAGE ?? "registry:3.1.0";

interface Step {
  op: string;
  urn: string;
}

/** The whole life of a stack on kind. The tests build on each other, so the first failure stops them. */
describe("The stack on a real cluster", () => {
  let checkout: Checkout;
  let visitor: Client;
  let restorePath: (() => void) | undefined;
  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const answers = () => answersOk(checkout.url);
  const untilAnswers = () => until("the blog answers", 30, answers);
  const nodes = () =>
    docker("ps", "--all", "--quiet", "--filter", `label=io.x-k8s.kind.cluster=${clusterName}`)
      .split("\n")
      .filter(Boolean);
  const isNetworkThere = () => docker("network", "ls", "--quiet", "--filter", "name=^kind$") !== "";
  const registry = () => docker("ps", "--all", "--quiet", "--filter", `name=^${checkout.registry}$`);
  const tagsInRegistry = async () => {
    const registryUrl = `http://localhost:${String(checkout.hostPort + 1000)}`;
    return (await new Client(registryUrl).get("/v2/koa-blog/tags/list")).text;
  };
  /** Starts a container that kind takes for the control plane of a cluster. */
  const startForeignCluster = (name: string) =>
    docker(
      ...["run", "--detach", "--name", `${name}-control-plane`, "--label", `io.x-k8s.kind.cluster=${name}`],
      ...["--label", "io.x-k8s.kind.role=control-plane", "--network", "kind", registryImage],
    );

  const podNodes = () =>
    checkout
      .kubectl("get", "pods", "--selector", "app.kubernetes.io/name=koa-blog", "--output", podFields)
      .split("\n")
      .filter((line) => line.endsWith("="))
      .map((line) => line.slice(0, -1))
      .sort();
  // The node of each pod, and the start of its termination.
  const podFields = "jsonpath={range .items[*]}{.spec.nodeName}={.metadata.deletionTimestamp}{'\\n'}{end}";
  const field = (object: string, path: string) => checkout.kubectl("get", object, "--output", `jsonpath={${path}}`);
  /** Runs SQL as root. */
  const sql = (statements: string) => {
    const client = 'MYSQL_PWD=$(cat "$MYSQL_ROOT_PASSWORD_FILE") mysql --user=root --skip-column-names --force';
    return checkout.kubectl("exec", "mysql-0", "--", "bash", "-c", `${client} --execute "$1"`, "bash", statements);
  };
  const addLine = (path: string, line: string) => {
    checkout.write(path, `${checkout.read(path)}// ${line}\n`);
  };
  const stateFile = () => checkout.read(".state/.pulumi/stacks/koa-blog/dev.json");
  const changes = (): string[] => {
    const { output } = checkout.succeeds("preview", "--json");
    // Warnings may stand before and after.
    const json = output.slice(output.indexOf("{"), output.lastIndexOf("\n}") + 2);
    const { steps } = JSON.parse(json) as { steps: Step[] };
    const changed = steps
      .filter(({ op }) => !["same", "refresh"].includes(op))
      .map(({ urn }) => urn.split("::").at(-1) ?? "");
    return [...new Set(changed)].sort();
  };

  before(() => {
    restorePath = useSnapDocker();
    if (!restorePath) report("skipped: a docker with a /tmp of its own, because this user cannot mount one");
    // logging.test.ts tests a stack with logging.
    checkout = new Checkout(clusterName, 30424, { logging: false });
    visitor = new Client(checkout.url);
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
    checkout.npm("destroy", "--yes");
    checkout.remove();
    restorePath?.();
  });

  it("passes the doctor's check", () => {
    const { output } = checkout.succeeds("doctor");
    assert.match(output, /✓ Docker engine/);
  });

  it("refuses a wrong setting before anything is created", () => {
    const settings = checkout.read("Pulumi.dev.yaml");
    checkout.configure({ replicas: 0 });
    checkout.refuses(/replicas: expected a whole number from 1 to 20, got "0"/, "up");
    assert.deepEqual(nodes(), []);
    checkout.write("Pulumi.dev.yaml", settings);
  });

  it("previews on an empty machine, and creates nothing", () => {
    const { output } = checkout.succeeds("preview");
    for (const resource of [
      "local-kind-registry",
      "local-kind-cluster",
      "mysql-image-push",
      "image-build",
      "mysql-statefulset",
      "migration-job",
      "blog-deployment",
    ]) {
      assert.match(output, new RegExp(`${resource}\\s+create`));
    }
    assert.deepEqual(nodes(), []);
  });

  it("comes up with one command, on the engine's platform, and changes nothing else on this machine", async () => {
    // No image of this machine has that platform.
    const { status, output, seconds } = checkout.npmWith({ DOCKER_DEFAULT_PLATFORM: "linux/s390x" }, "up");
    assert.equal(status, 0, output);
    report(`up from nothing: ${seconds.toFixed(0)} s`);
    assert.match(output, /DOCKER_DEFAULT_PLATFORM is set and ignored/);
    assert.ok(output.includes(`The blog answers on ${checkout.url}`), output);
    assert.match(output, /MySQL +docker exec/);
    // The command waits for one answer. The path to the other pod may need a moment more.
    await untilAnswers();
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
    const registered = await visitor.post("/auth/register", { username: "ada", password: "lovelace" });
    assert.equal(registered.headers.get("location"), "/auth/login");
    const loggedIn = await visitor.post("/auth/login", { username: "ada", password: "lovelace" });
    assert.equal(loggedIn.headers.get("location"), "/");
    const created = await visitor.post("/create", { title: "First post", body: "Written through the NodePort" });
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

  it("changes nothing when nothing has changed, also after its folder was moved", async () => {
    checkout.succeeds("preview", "--expect-no-changes");
    checkout.move();
    const tags = await tagsInRegistry();
    const { output, seconds } = checkout.succeeds("up");
    report(`up with no change: ${seconds.toFixed(1)} s`);
    assertUnchanged(output);
    assert.equal(await tagsInRegistry(), tags);
    assert.match(tags, /"[0-9a-f]{16}"/);
  });

  it("tells other programs of its registry", () => {
    const hosting = "configmap/local-registry-hosting";
    const data = checkout.kubectl("--namespace", "kube-public", "get", hosting, "--output", "jsonpath={.data}");
    assert.match(data, new RegExp(`host: .*localhost:${String(checkout.hostPort + 1000)}`));
  });

  it("runs each pod with no more than it needs, and the blog's on both workers", () => {
    assert.deepEqual(podNodes(), workers);
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

  it("creates a Deployment again that was deleted by hand", async () => {
    checkout.kubectl("delete", "deployment/koa-blog");
    await until("the blog is away", 30, async () => !(await answers()));
    const { seconds } = checkout.succeeds("up");
    report(`up without the Deployment: ${seconds.toFixed(0)} s`);
    assert.deepEqual(podNodes(), workers);
    assert.match((await visitor.get("/")).text, /First post/);
  });

  it("takes back what kubectl changed, even if MySQL's pod never became ready", async () => {
    checkout.kubectl("scale", "deployment/koa-blog", "--replicas=3");
    const memory = { memory: "300Gi" };
    const containers = [{ name: "mysql", resources: { requests: memory, limits: memory } }];
    const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
    checkout.kubectl("patch", "statefulset/mysql", "--patch", patch);
    await until("MySQL's pod is pending", 120, () => {
      try {
        return field("pod/mysql-0", ".status.phase") === "Pending";
      } catch {
        return false;
      }
    });
    const { seconds } = checkout.succeeds("up");
    report(`up with a pending MySQL: ${seconds.toFixed(0)} s`);
    await untilAnswers();
    assert.equal(field("statefulset/mysql", ".status.readyReplicas"), "1");
    assert.equal(field("deployment/koa-blog", ".spec.replicas"), "2");
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("fails if the blog does not answer, and says so", async () => {
    sql("ALTER USER koa_blog ACCOUNT LOCK");
    const connections = "SELECT CONCAT('KILL ', id, ';') FROM performance_schema.processlist WHERE user = 'koa_blog'";
    sql(sql(connections));
    await until("the blog is away", 30, async () => !(await answers()));
    const output = checkout.refuses(/does not answer within 30 s/, "up");
    assert.doesNotMatch(output, /The blog answers on/);
  });

  it("fails with the migration, and succeeds once the cause is fixed", async () => {
    addLine("db/migrations/index.ts", "One more line.");
    const up = checkout.start("up");
    let output = "";
    up.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((resolve) => up.once("close", resolve));
    const active = ["get", "jobs", "--output", "jsonpath={.items[?(@.status.active)].metadata.name}"];
    let job = "";
    await until("the migration runs", 120, () => (job = checkout.kubectl(...active)) !== "");
    // The Job's own deadline is ten minutes.
    checkout.kubectl("patch", `job/${job}`, "--patch", '{"spec":{"activeDeadlineSeconds":1}}');
    assert.notEqual(await ended, 0);
    assert.match(output, /DeadlineExceeded/);
    sql("ALTER USER koa_blog ACCOUNT UNLOCK");
    const { seconds } = checkout.succeeds("up");
    report(`up after a failed migration: ${seconds.toFixed(0)} s`);
    await untilAnswers();
    assert.equal(field(`job/${job}`, ".status.succeeded"), "1");
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("fills its registry again when it was deleted by hand, and rolls nothing", () => {
    docker("rm", "--force", "--volumes", checkout.registry);
    assert.deepEqual(changes(), ["image-build", "local-kind-registry", "mysql-image-push"]);
    const { seconds } = checkout.succeeds("up");
    report(`up without the registry: ${seconds.toFixed(0)} s`);
    checkout.succeeds("preview", "--expect-no-changes");
    for (const node of workers) {
      const pull = ["ctr", "--namespace", "k8s.io", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d"];
      docker("exec", node, ...pull, checkout.blogImage());
    }
  });

  it("previews a change of one line exactly: in db/ with the migration, in service/ without it", () => {
    checkout.write("service/README.md", "Nothing that the image holds.\n");
    assert.deepEqual(changes(), []);
    const migrations = checkout.read("db/migrations/index.ts");
    addLine("db/migrations/index.ts", "Another line.");
    assert.deepEqual(changes(), ["blog-deployment", "image-build", "migration-job"]);
    checkout.write("db/migrations/index.ts", migrations);
    addLine("service/app.ts", "One more line.");
    assert.deepEqual(changes(), ["blog-deployment", "image-build"]);
  });

  it("rolls that change out without one failed request, spread over the workers, data kept", async () => {
    const failures: string[] = [];
    let requests = 0;
    let rolling = true;
    const load = (async () => {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set after the run
      while (rolling) {
        requests += 1;
        await new Client(checkout.url).get("/", { timeout: 5000 }).then(
          ({ status }) => status === 200 || failures.push(String(status)),
          (error: unknown) => failures.push(String(error)),
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
    assert.deepEqual(podNodes(), workers);
    assert.match((await visitor.get("/")).text, /First post/);
  });

  it("arrives when it is killed between the push of an image and its rollout", async () => {
    const known = await tagsInRegistry();
    addLine("service/app.ts", "Another line.");
    const killed = checkout.start("up");
    await until("the new image is in the registry", 120, async () => (await tagsInRegistry()) !== known);
    await kill(killed);
    checkout.succeeds("up");
    await untilAnswers();
    assert.ok(checkout.blogImage().endsWith(`:${String(checkout.outputs().imageTag)}`));
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("takes a new password to MySQL and rolls the pods that read it", async () => {
    checkout.succeeds("pulumi", "config", "set", "--secret", "mysqlPassword", "another password's turn");
    assert.deepEqual(changes(), [
      "blog-deployment",
      "configuration-database-user",
      // The generated password is deleted.
      "configuration-mysql-password",
      "migration-job",
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

  it("refuses to refresh or update while its nodes are stopped, and keeps its state", () => {
    const state = stateFile();
    docker("kill", ...nodes());
    checkout.refuses(/docker start/, "pulumi", "refresh", "--yes");
    checkout.refuses(/docker start/, "up");
    assert.equal(stateFile(), state);
  });

  it("notices a cluster that was deleted by hand, and deletes no other one of that name", () => {
    docker("rm", "--force", "--volumes", ...nodes());
    assert.ok(changes().includes("local-kind-cluster"));
    const foreign = startForeignCluster(clusterName);
    checkout.refuses(new RegExp(`kind delete cluster --name ${clusterName}`), "up");
    // Fails if the container is gone.
    docker("rm", "--force", "--volumes", foreign);
  });

  it("arrives after two interrupted runs", async () => {
    const interrupted = checkout.start("up");
    await until("nodes are being created", 60, () => nodes().length === 3);
    if (interrupted.pid) process.kill(-interrupted.pid, "SIGINT");
    await new Promise((resolve) => interrupted.on("exit", resolve));
    report("interrupted with Ctrl-C while the cluster was created");

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
    await untilAnswers();
    checkout.succeeds("preview", "--expect-no-changes");
    const state = JSON.parse(stateFile()) as { checkpoint: { latest: { pending_operations?: unknown[] } } };
    assert.deepEqual(state.checkpoint.latest.pending_operations ?? [], []);
  });

  it("deletes its posts only if it is told to", async () => {
    const who = { username: "ada", password: "lovelace" };
    await visitor.post("/auth/register", who);
    await visitor.post("/auth/login", who);
    await visitor.post("/create", { title: "Kept post", body: "In a backup" });
    checkout.refuses(/--yes/, "destroy");
    checkout.configure({ workers: 1, replicas: 1 });
    const changed = changes();
    for (const name of ["local-kind-cluster", "local-provider", "mysql-statefulset", "blog-deployment"]) {
      assert.ok(changed.includes(name), `${name} is not in ${changed.join(", ")}`);
    }
    // The new cluster pulls the same images from the registry.
    assert.deepEqual(
      changed.filter((name) => /push|image|registry$/.test(name)),
      [],
    );
    checkout.refuses(/posts[^]*npm run backup[^]*npm run up -- --replace-cluster/, "up");
    assert.equal(nodes().length, 3);
    assert.match((await visitor.get("/")).text, /Kept post/);

    checkout.succeeds("backup", "posts.sql.gz");
    checkout.succeeds("up", "--replace-cluster");
    assert.equal(nodes().length, 2);
    await untilAnswers();
    assert.doesNotMatch((await visitor.get("/")).text, /Kept post/);
    checkout.succeeds("restore", "posts.sql.gz");
    assert.match((await visitor.get("/")).text, /Kept post/);
    checkout.succeeds("preview", "--expect-no-changes");
  });

  it("leaves no process in MySQL's pod after Ctrl-C during a backup", async () => {
    const inPod = (command: string) => checkout.kubectl("exec", "mysql-0", "--", "bash", "-c", command);
    const lock = "LOCK TABLES post WRITE; DO SLEEP(30)";
    const client = `MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE") mysql -u"$MYSQL_USER" "$MYSQL_DATABASE" -e "${lock}"`;
    inPod(`${client} >/dev/null 2>&1 &`);
    // An ended process that nobody has waited for has no command line.
    const dumps = () => inPod("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c '^mysqldump$' || true");
    const { pid = 0 } = checkout.start("backup", "interrupted.sql.gz");
    await until("mysqldump waits for the table", 20, () => dumps() === "1");
    process.kill(-pid, "SIGINT");
    await until("mysqldump has ended", 10, () => dumps() === "0");
  });

  it("has a second stack next to it, and neither takes what is the other's", async () => {
    const second = new Checkout("koa-blog-second-e2e", 30434, { logging: false, workers: 0, replicas: 1 });
    try {
      second.configure({ registryPort: checkout.hostPort + 1000 });
      second.refuses(
        /Port 31424 of 127.0.0.1 cannot be used \(container koa-blog-e2e-registry\)[^]*registryPort/,
        "up",
      );
      second.configure({ registryPort: second.hostPort + 1000 });
      second.succeeds("up");
      assert.equal((await new Client(second.url).get("/")).status, 200);
      second.configure({ clusterName });
      second.refuses(new RegExp(clusterName), "up", "--replace-cluster");
      second.configure({ clusterName: second.clusterName });
      assert.equal((await new Client(second.url).get("/")).status, 200);
      assert.equal(await answers(), true);
      checkout.succeeds("preview", "--expect-no-changes");
    } finally {
      second.succeeds("destroy", "--yes");
      second.remove();
    }
    assert.equal(await answers(), true);
    assert.ok(isNetworkThere());
  });

  it("is destroyed with the cluster already gone, and leaves nothing of its own", () => {
    // Another cluster needs the network when it is started again.
    const stopped = startForeignCluster("koa-blog-other-e2e");
    docker("stop", "--time=1", stopped);
    const mounts = docker("inspect", "--format", '{{range .Mounts}}{{.Name}}{{"\\n"}}{{end}}', ...nodes(), registry());
    const own = mounts.split("\n").filter((name) => name !== "");
    docker("rm", "--force", "--volumes", ...nodes());
    const { seconds } = checkout.succeeds("destroy", "--yes");
    report(`destroy: ${seconds.toFixed(0)} s`);
    assert.deepEqual(nodes(), []);
    assert.equal(registry(), "");
    assert.ok(isNetworkThere());
    docker("rm", "--force", "--volumes", stopped);
    assert.deepEqual(
      engineObjects().volumes.filter((name) => own.includes(name)),
      [],
    );
    assert.equal(readFileSync(checkout.kubeconfig, "utf8"), otherKubeconfig);
    assert.ok(!existsSync(incomplete));
  });

  it("is destroyed after a run that was killed while it created the cluster", async () => {
    const killed = checkout.start("up");
    await until("nodes are being created", 90, () => nodes().length > 0);
    await kill(killed);
    checkout.succeeds("destroy", "--yes");
    assert.deepEqual(nodes(), []);
    assert.equal(registry(), "");
    assert.ok(!existsSync(incomplete));
    if (docker("ps", "--all", "--quiet", "--filter", "network=kind") === "") assert.ok(!isNetworkThere());
  });
});
