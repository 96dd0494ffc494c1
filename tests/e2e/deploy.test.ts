import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { blogContainer, mysqlContainer } from "../../components/blog/containerSettings.ts";
import { secretsFolder } from "../../components/kubernetes/podDefaults.ts";
import { answersOk, Client } from "../client.ts";
import { until } from "../until.ts";
import { copyProject, docker, type Ended, engineObjects } from "./checkout.ts";

const network = "koa-blog-deploy-e2e";
const [mysql, migration, blog] = ["mysql", "migration", "blog"].map((part) => `${network}-${part}`) as [
  string,
  string,
  string,
];
const port = "30426";
const blogImage = "localhost/koa-blog-deploy-e2e";
const mysqlImage = process.env.E2E_MYSQL_IMAGE ?? "mysql:9.7.2";
const options = ["--network", network, "--mysql", mysqlImage, "--blog", blogImage];
const rootPassword = "a root password & its $pecialities";
const label = `koa-blog.deploy=${network}`;

/** The objects of this test. Other programs may use the engine too. */
const ownObjects = () =>
  Object.values(engineObjects())
    .flat()
    .filter((name) => name.startsWith(network));

/** Removes what the script has created, as README.md says. */
function removeAll(): void {
  for (const [list, remove] of [
    [
      ["ps", "--all"],
      ["rm", "--force", "--volumes"],
    ],
    [
      ["network", "ls"],
      ["network", "rm"],
    ],
    [
      ["volume", "ls"],
      ["volume", "rm"],
    ],
  ] as const) {
    const found = docker(...list, "--quiet", "--filter", `label=${label}`);
    if (found) docker(...remove, ...found.split("\n"));
  }
}

/** The whole life of a deployment. The tests build on each other, so the first failure stops them. */
describe("scripts/deploy.sh", () => {
  const base = mkdtempSync(join(tmpdir(), "koa-blog-deploy-e2e-"));
  let folder = join(base, "checkout");
  const url = `http://localhost:${port}`;
  const visitor = new Client(url);

  /** Runs the script, with text for stdin. */
  async function run(args: string[], input = "", variables: Record<string, string> = {}): Promise<Ended> {
    const start = Date.now();
    const { E2E_BASE_IMAGE: baseImage } = process.env;
    const env = { ...process.env, BLOG_PORT: port, ...(baseImage && { BASE_IMAGE: baseImage }), ...variables };
    const script = spawn("sh", [join(folder, "scripts/deploy.sh"), ...args], { cwd: tmpdir(), env });
    // A script that refuses its arguments may end before it gets the text.
    script.stdin.on("error", () => undefined).end(input);
    const [status, ...output] = await Promise.all([
      new Promise<number | null>((resolve) => script.on("exit", resolve)),
      text(script.stdout),
      text(script.stderr),
    ]);
    return { status, output: output.join(""), seconds: (Date.now() - start) / 1000 };
  }

  async function deploy(...more: string[]): Promise<void> {
    const { status, output, seconds } = await run([...options, ...more], `${rootPassword}\n`);
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`^The blog answers on ${url}$`, "m"));
    await until("the blog answers", 10, () => answersOk(url));
    console.log(`      ${seconds.toFixed(0)} s`);
  }

  async function refuses(args: string[], message: RegExp, input = rootPassword): Promise<void> {
    const objects = ownObjects();
    const { status, output } = await run(args, input);
    assert.notEqual(status, 0);
    assert.match(output, message);
    assert.deepEqual(ownObjects(), objects);
    assert.throws(() => docker("image", "inspect", blogImage), /No such image/, "it has built an image");
  }

  const showsPost = async () => (await visitor.get("/")).text.includes("A post that stays");
  const ids = () => [mysql, blog].map((name) => docker("inspect", "--format", "{{.Id}}", name));

  before(() => {
    copyProject(folder);
    for (const name of [".env", ".env.local", ".app.ts.swp", "app.ts~", ".DS_Store"]) {
      writeFileSync(join(folder, "service", name), "a file that stays here");
    }
    // Emacs locks a file by a link to nothing.
    symlinkSync("ada@host.1234", join(folder, "db", ".#migrator.ts"));
    for (const image of [blogImage, `${blogImage}-mysql`]) docker("image", "rm", "--force", image);
  });

  after(function () {
    try {
      if (this.currentTest?.isFailed()) console.log(docker("ps", "--all"));
    } finally {
      removeAll();
      rmSync(base, { recursive: true, force: true });
    }
  });

  it("explains its options", async () => {
    const { status, output } = await run(["--help"]);
    assert.equal(status, 0, output);
    for (const option of options.filter((word) => word.startsWith("--"))) assert.ok(output.includes(`\n  ${option} `));
  });

  const wrong: [what: string, args: string[], message: RegExp, input?: string][] = [
    ["no option", [], /--network is ''. Expected a name/],
    ["an option without its value", ["--network"], /--network needs a value/],
    ["a network's name with a space", ["--network", "a b"], /--network is 'a b'. Expected a name/],
    ["no image", ["--network", network], /Expected --mysql IMAGE and --blog IMAGE/],
    ["an unknown option", [...options, "--flask=x"], /Unknown option --flask\. /],
    ["--volumes without --prune", [...options, "--volumes"], /Write --prune --volumes/],
    ["no password", options, /--password: expected/, ""],
    ["a short password", options, /--password: expected/, "hunter2"],
    ["a password that MySQL's image cannot take", options, /--password: expected/, "it's a password"],
    ["an image that does not exist", ["--network", network, "--mysql", "localhost/none", "--blog", "b"], /cannot run/],
  ];
  for (const [what, args, message, input] of wrong) {
    it(`creates nothing with ${what}, and says what is expected`, () => refuses(args, message, input));
  }

  it("never prints a value that has no option, because it may be a password", async () => {
    const { status, output } = await run([...options, "--password", "correct", "horse"]);
    assert.notEqual(status, 0);
    assert.match(output, /A value has no option/);
    assert.doesNotMatch(output, /horse/);
  });

  for (const [kind, name, ...create] of [
    ["network", network, "network", "create"],
    ["volume", `${network}-mysql-data`, "volume", "create"],
    ["container", blog, "create", "--name"],
  ] as const) {
    it(`refuses a ${kind} of the same name that it did not create, and removes nothing`, async () => {
      docker(...create, name, ...(kind === "container" ? [mysqlImage] : []));
      const args = [...options, "--prune", "--volumes"];
      await refuses(args, new RegExp(`The ${kind} ${name} has no label ${label}. Remove it, or use`));
      docker(kind, "rm", ...(kind === "container" ? ["--volumes"] : []), name);
    });
  }

  it("says that the port is taken, before it builds", async () => {
    const other = `${network}-other`;
    docker("run", "--detach", "--name", other, "--publish", `${port}:1`, "--entrypoint=sleep", mysqlImage, "600");
    await refuses(options, new RegExp(`cannot run ${mysqlImage} with port ${port}. .*BLOG_PORT`));
    docker("rm", "--force", "--volumes", other);
  });

  it("deploys the blog, and shows the password to no other user", async () => {
    const seen = new Set<string>();
    const watch = setInterval(() => {
      for (const line of commandLines()) seen.add(line);
    }, 20);
    const { status, output, seconds } = await run(options, "", { MYSQL_ROOT_PASSWORD: rootPassword });
    clearInterval(watch);
    assert.equal(status, 0, output);
    console.log(`      ${seconds.toFixed(0)} s`);
    assert.ok([...seen].some((line) => line.includes("generate-secrets.sh")));

    const secrets = ["MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD"].map((name) => inFolder(mysql, name));
    const sessionKeys = inFolder(blog, "SESSION_KEYS");
    assert.equal(secrets[0], rootPassword);
    assert.match(sessionKeys, /^[0-9a-f]{64}$/);
    const places = {
      processes: [...seen].join("\n"),
      output,
      containers: docker("inspect", mysql, migration, blog),
      images: docker("image", "inspect", blogImage, `${blogImage}-mysql`),
      logs: [mysql, migration, blog].map(logsOf).join("\n"),
    };
    for (const [place, content] of Object.entries(places)) {
      for (const secret of [...secrets, sessionKeys]) assert.ok(!content.includes(secret), `a secret is in ${place}`);
    }
  });

  it("leaves .env, and what editors and desktops write, out of the image", () => {
    const find = "find /app -path '*/node_modules' -prune -o \\( -name '.*' -o -name '*~' \\) -print";
    assert.equal(docker("exec", blog, "sh", "-c", find), "/app/db/.dockerignore");
  });

  it("serves the blog: register, log in, write", async () => {
    const who = { username: "ada", password: "correct horse battery" };
    assert.equal((await visitor.post("/auth/register", who)).status, 302);
    assert.equal((await visitor.post("/auth/login", who)).status, 302);
    assert.equal((await visitor.post("/create", { title: "A post that stays", body: "…" })).status, 302);
    assert.equal(await showsPost(), true);
  });

  it("gives each container its own secrets, no rights and a limit", () => {
    assert.equal(docker("exec", blog, "ls", secretsFolder), "MYSQL_PASSWORD\nSESSION_KEYS");
    assert.equal(docker("exec", mysql, "ls", secretsFolder), "MYSQL_PASSWORD\nMYSQL_ROOT_PASSWORD");
    const format =
      "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}} {{.Config.StopTimeout}}";
    for (const [name, settings] of [
      [mysql, mysqlContainer],
      [blog, blogContainer],
    ] as const) {
      assert.equal(docker("exec", name, "id", "-u"), String(settings.user));
      assert.match(docker("exec", name, "grep", "CapEff", "/proc/1/status"), /\t0+$/);
      assert.match(docker("exec", name, "grep", "NoNewPrivs", "/proc/1/status"), /\t1$/);
      const memory = settings.memoryMebibytes * 2 ** 20;
      const expected = ["true", "unless-stopped", memory, settings.stopSeconds].join(" ");
      assert.equal(docker("inspect", "--format", format, name), expected);
    }
  });

  it("replaces the containers on a second run, from a moved folder too, and keeps posts, sessions and secrets", async () => {
    const [keys, former] = [inFolder(blog, "SESSION_KEYS"), ids()];
    renameSync(folder, (folder = join(base, "moved checkout")));
    await deploy();
    assert.ok(ids().every((id) => !former.includes(id)));
    assert.equal(inFolder(blog, "SESSION_KEYS"), keys);
    const { text: page } = await visitor.get("/");
    assert.match(page, /A post that stays/);
    assert.match(page, /Log Out/);
  });

  it("says that a container fails instead of waiting for it", async () => {
    const variables = { TRUSTED_PROXIES: "many", COOKIE_SECURE: "true" };
    const { status, output } = await run(options, rootPassword, variables);
    assert.notEqual(status, 0);
    assert.match(output, new RegExp(`${blog} is not healthy. See: docker logs ${blog}`));
    assert.match(logsOf(blog), /TRUSTED_PROXIES/);
    assert.match(docker("inspect", "--format", "{{.Config.Env}}", blog), /COOKIE_SECURE=true/);
  });

  it("starts from an empty engine with --prune, with a new root password, and keeps the posts", async () => {
    const { status, output } = await run([...options, "--prune", "--password", "another root password"]);
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`Deleted Networks:\n${network}\n`));
    const login =
      'MYSQL_PWD="another root password" mysql --user=root --silent --skip-column-names --execute="SELECT 1"';
    assert.equal(docker("exec", mysql, "bash", "-c", login), "1");
    assert.equal(await showsPost(), true);
  });

  it("is backed up and restored by the commands in docs/operations.md", async () => {
    const script = readFileSync(join(folder, "db/backup.sh"), "utf8");
    const backupSh = (...args: string[]) => ["exec", "--interactive", mysql, "bash", "-c", script, "-", ...args];
    const dump = execFileSync("docker", backupSh("dump"));
    await visitor.post("/create", { title: "A post that goes", body: "…" });
    const restored = execFileSync("docker", backupSh("load", "--replace"), { input: dump, encoding: "utf8" });
    assert.match(restored, /^Restored users: 1, posts: 1\./);
    assert.doesNotMatch((await visitor.get("/")).text, /A post that goes/);
    assert.equal(await showsPost(), true);
  });

  it("deletes the posts with --prune --volumes only", async () => {
    await deploy("--prune", "--volumes");
    assert.equal(await showsPost(), false);
  });

  it("leaves nothing after the commands in README.md", () => {
    removeAll();
    assert.deepEqual(ownObjects(), []);
  });
});

/** A secret as the container reads it. */
const inFolder = (container: string, name: string) => docker("exec", container, "cat", `${secretsFolder}/${name}`);

/** What a container has written to stdout and stderr. */
const logsOf = (container: string) =>
  execFileSync("sh", ["-c", 'docker logs "$0" 2>&1', container], { encoding: "utf8" });

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
