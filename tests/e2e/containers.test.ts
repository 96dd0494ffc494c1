import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { answersOk, Visitor } from "./blog.ts";
import { assertUnchanged, Checkout, docker, type Ended, engineObjects, until } from "./checkout.ts";

const network = "koa-blog-containers-e2e";
const hostPort = 30426;
const names = ["mysql", "migration", "blog"].map((suffix) => `${network}-${suffix}`);
const mysqlImage = process.env.E2E_MYSQL_IMAGE ?? "mysql:9.7.2";
const blogImage = "localhost/koa-blog-containers-e2e";
const rootPassword = "a root password & its $pecialities";

/** The whole life of plain containers. The tests build on each other, so the first failure stops them. */
describe("The blog in plain containers", () => {
  let checkout: Checkout;
  let visitor: Visitor;
  let initially: ReturnType<typeof engineObjects>;
  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const flags = ["--network", network, "--mysql", mysqlImage, "--blog", blogImage, "--port", String(hostPort)];
  const deploy = (password: string, ...args: string[]): Ended => {
    const ended = checkout.npmWithInput(`${password}\n`, "deploy", ...flags, ...args);
    assert.equal(ended.status, 0, ended.output);
    return ended;
  };
  const started = () => names.map((name) => docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name));
  const answers = () => answersOk(checkout.url);
  const showsPost = async () => {
    assert.match((await visitor.get("/")).text, /A post that stays/);
  };

  before(() => {
    initially = engineObjects();
    checkout = new Checkout(network, hostPort, {}, "containers");
    visitor = new Visitor(checkout.url);
  });

  after(function () {
    try {
      if (this.currentTest?.isFailed()) console.log(docker("ps", "--all"));
    } finally {
      checkout.npm("destroy");
      checkout.remove();
    }
  });

  const wrong: [what: string, args: string[], message: RegExp][] = [
    ["no flag", [], /--network is missing\n--mysql is missing\n--blog is missing/],
    ["no password", flags, /--password is missing/],
    ["an unknown flag", [...flags, "--flask", "x"], /Unknown option '--flask'/],
    ["a wrong port", [...flags, "--port", "0"], /--port 0: expected a whole number from 1 to 65535/],
    ["--volumes without --prune", [...flags, "--volumes"], /--volumes needs --prune/],
  ];
  for (const [what, args, message] of wrong) {
    it(`make nothing with ${what}, and say what is expected`, () => {
      const { status, output } = checkout.npm("deploy", ...args);
      assert.notEqual(status, 0);
      assert.match(output, message);
      assert.match(output, /Usage: npm run deploy -- --network NAME/);
      assert.deepEqual(engineObjects(), initially);
    });
  }

  it("make nothing with a root password that is too short, and do not repeat it", () => {
    const { status, output } = checkout.npmWithInput("hunter2", "deploy", ...flags, "--prune");
    assert.notEqual(status, 0);
    assert.match(output, /The root password is not usable: expected 8 to 256 characters/);
    assert.ok(!output.includes("hunter2"));
  });

  it("leave alone what is not theirs, and say so", () => {
    docker("network", "create", network);
    try {
      const { status, output } = checkout.npmWithInput(rootPassword, "deploy", ...flags, "--prune");
      assert.notEqual(status, 0);
      assert.match(output, new RegExp(`network ${network} already exists and does not belong to this stack`));
    } finally {
      docker("network", "rm", network);
    }
    assert.deepEqual(engineObjects(), initially);
  });

  it("come up with one command, and serve the blog", async () => {
    report(`before: ${counts(initially)}`);
    const { output, seconds } = deploy(rootPassword);
    report(`deploy from nothing: ${seconds.toFixed(0)} s; ${counts(engineObjects())}`);
    assert.match(output, new RegExp(`The blog answers on ${checkout.url}`));
    const who = { username: "reader", password: "correct horse battery" };
    assert.equal((await visitor.submit("/auth/register", who)).status, 302);
    assert.equal((await visitor.submit("/auth/login", who)).status, 302);
    assert.equal((await visitor.submit("/create", { title: "A post that stays", body: "…" })).status, 302);
    await showsPost();
  });

  it("do not change when the command is run again", () => {
    const before = started();
    const { output, seconds } = deploy(rootPassword);
    report(`deploy without changes: ${seconds.toFixed(1)} s`);
    assert.deepEqual(started(), before);
    assertUnchanged(output);
    assert.equal(checkout.gitStatus(), "");
  });

  it("are backed up into a file that only its owner reads, and restored, but over nothing without being told to", async () => {
    const backup = checkout.npm("backup", "blog.dump.gz");
    assert.equal(backup.status, 0, backup.output);
    assert.equal(statSync(join(checkout.folder, "blog.dump.gz")).mode & 0o777, 0o600);
    await visitor.submit("/create", { title: "A post that goes", body: "…" });
    const again = checkout.npm("backup", "blog.dump.gz");
    assert.notEqual(again.status, 0);
    assert.match(again.output, /blog.dump.gz already exists/);
    const refused = checkout.npm("restore", "blog.dump.gz");
    assert.notEqual(refused.status, 0);
    assert.match(refused.output, /already has users.*add --replace/);
    assert.match((await visitor.get("/")).text, /A post that goes/);
    const restored = checkout.npm("restore", "blog.dump.gz", "--replace");
    assert.equal(restored.status, 0, restored.output);
    assert.doesNotMatch((await visitor.get("/")).text, /A post that goes/);
    await showsPost();
    assert.match(checkout.npm("restore", "package.json", "--replace").output, /package.json is not a backup/);
    assert.match(checkout.npm("restore").output, /Usage: npm run restore/);
    rmSync(join(checkout.folder, "blog.dump.gz"));
  });

  it("show no password to who looks at processes, containers, images, logs, outputs or the state", async () => {
    const run = checkout.startWith({ MYSQL_ROOT_PASSWORD: rootPassword }, "deploy", ...flags);
    run.stdin?.end();
    let text = "";
    for (const stream of [run.stdout, run.stderr]) stream?.on("data", (chunk) => (text += String(chunk)));
    const seen = new Set<string>();
    const watch = setInterval(() => {
      for (const line of commandLines()) seen.add(line);
    }, 20);
    const status = await new Promise((resolve) => run.on("exit", resolve));
    clearInterval(watch);
    assert.equal(status, 0, text);
    assert.ok([...seen].some((line) => line.includes("pulumi")));
    const { credentials } = checkout.outputs() as { credentials: Record<string, string> };
    assert.equal(credentials.mysqlRootPassword, rootPassword);
    const places = {
      processes: [...seen].join("\n"),
      output: text,
      containers: docker("inspect", ...names),
      images: docker("inspect", ...names.map((name) => docker("inspect", "--format", "{{.Image}}", name))),
      logs: names.map((name) => docker("logs", name)).join("\n"),
      outputs: checkout.npm("pulumi", "stack", "output").output,
      state: checkout.read(".state/.pulumi/stacks/koa-blog/containers.json"),
      settings: checkout.read(".state/Pulumi.containers.yaml"),
    };
    const { mysqlPassword, mysqlRootPassword, sessionKeys } = credentials;
    for (const secret of [mysqlPassword, mysqlRootPassword, sessionKeys]) {
      assert.ok(secret);
      for (const [where, content] of Object.entries(places)) {
        assert.ok(!content.includes(secret), `a secret is in ${where}`);
        assert.ok(!content.includes(JSON.stringify(secret).slice(1, -1)), `a secret is in ${where}`);
      }
    }
  });

  it("give the blog no root password, and nobody more rights than needed", () => {
    const [mysql = "", , blog = ""] = names;
    assert.equal(docker("exec", blog, "ls", "/run/secrets/koa-blog"), "MYSQL_PASSWORD\nMYSQL_USER\nSESSION_KEYS");
    for (const [name, user] of [
      [mysql, "999"],
      [blog, "1000"],
    ] as const) {
      assert.equal(docker("exec", name, "id", "-u"), user);
      assert.match(docker("exec", name, "grep", "CapEff", "/proc/1/status"), /\t0+$/);
      assert.match(docker("exec", name, "grep", "NoNewPrivs", "/proc/1/status"), /\t1$/);
    }
  });

  it("come back when their processes are killed", async () => {
    for (const name of [names[2] ?? "", names[0] ?? ""]) {
      const pid = docker("inspect", "--format", "{{.State.Pid}}", name);
      process.kill(Number(pid), "SIGKILL");
      await until(`${name} runs again`, 60, () => {
        const [state, now] = docker("inspect", "--format", "{{.State.Status}} {{.State.Pid}}", name).split(" ");
        return state === "running" && now !== pid;
      });
    }
    await until("the blog answers", 60, answers);
    await showsPost();
  });

  it("take another root password, and keep the data", async () => {
    deploy("another root password");
    const sql = 'MYSQL_PWD="another root password" mysql -uroot -Ne "SELECT 1"';
    await until("MySQL accepts it", 30, () => {
      try {
        return docker("exec", names[0] ?? "", "bash", "-c", sql) === "1";
      } catch {
        return false;
      }
    });
    await showsPost();
  });

  it("are made anew with --prune, and keep the data", async () => {
    const before = started();
    const { seconds } = deploy(rootPassword, "--prune");
    report(`deploy --prune: ${seconds.toFixed(0)} s`);
    for (const [index, now] of started().entries()) assert.notEqual(now, before[index]);
    await showsPost();
  });

  it("start over with --prune --volumes, whatever a killed run left", async () => {
    docker(
      "run",
      "--detach",
      "--name",
      `${network}-left`,
      ...["koa-blog.stack=containers", `koa-blog.folder=${checkout.folder}`].flatMap((label) => ["--label", label]),
      mysqlImage,
      "sleep",
      "60",
    );
    deploy(rootPassword, "--prune", "--volumes");
    assert.ok(!engineObjects().containers.includes(`${network}-left`));
    assert.doesNotMatch((await visitor.get("/")).text, /A post that stays/);
  });

  it("tell their status", () => {
    const { status, output } = checkout.npm("status");
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`${checkout.url} answers 200`));
  });

  it("leave nothing behind", () => {
    const { status, output, seconds } = checkout.npm("destroy");
    assert.equal(status, 0, output);
    assert.deepEqual(engineObjects(), initially);
    report(`destroy: ${seconds.toFixed(0)} s; after: ${counts(engineObjects())}`);
  });
});

const counts = (objects: Record<string, string[]>) =>
  Object.entries(objects)
    .map(([kind, names_]) => `${String(names_.length)} ${kind}`)
    .join(", ");

/** The command lines of all processes of this machine. */
function commandLines(): string[] {
  return readdirSync("/proc").flatMap((entry) => {
    try {
      return /^\d+$/.test(entry) ? [readFileSync(join("/proc", entry, "cmdline"), "utf8").replaceAll("\0", " ")] : [];
    } catch {
      return [];
    }
  });
}
