import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { blogContainer, mysqlContainer } from "../../components/blog/containerSettings.ts";
import { secretsFolder } from "../../components/kubernetes/podDefaults.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { answersOk, Client } from "../client.ts";
import { until } from "../until.ts";
import { copyProject, engineObjects } from "./checkout.ts";

const project = "koa-blog-compose-e2e";
const hostPort = 30427;
const images = ["localhost/koa-blog:compose", "localhost/koa-blog-mysql:compose"];

/** Fields of `docker inspect`. */
interface Container {
  Id: string;
  Config: { Labels: Record<string, string> };
  State: { Status: string; StartedAt: string; Pid: number; ExitCode: number; Health?: { Status: string } };
  RestartCount: number;
  Mounts: { Type: string; Name?: string }[];
}

const exec = promisify(execFile);
// spawnSync would block the requests of this process.
const run = (file: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  exec(file, args, { ...options, maxBuffer: 2 ** 26 });
const docker = async (...args: string[]) => (await run("docker", args)).stdout.trim();

/** The reason why Compose does not run here, or undefined. */
async function composeProblem(): Promise<string | undefined> {
  const version = await docker("compose", "version", "--short").catch(() => "");
  const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
  if (major >= 2) return undefined;
  return version ? `docker compose is ${version}, and 2 or later is needed` : "there is no docker compose";
}

/** The whole life of the Compose project. The tests build on each other, so the first failure stops them. */
describe("The blog with Docker Compose", () => {
  const base = mkdtempSync(join(tmpdir(), "koa-blog-compose-e2e-"));
  let folder = join(base, "clone");
  const url = `http://localhost:${String(hostPort)}`;
  const visitor = new Client(url);
  let engineBefore: ReturnType<typeof engineObjects> | undefined;
  let secrets: Record<string, string> = {};
  /** All volumes that the containers have used, anonymous ones included. */
  const volumes = new Set<string>();

  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const composeWith = async (variables: Record<string, string>, args: string[]) => {
    const ours = /^(COMPOSE|MYSQL|BLOG)_|^(LOG_LEVEL|BASE_IMAGE|COOKIE_SECURE|TRUSTED_PROXIES|REGISTRATIONS_PER_HOUR)$/;
    const others = Object.entries(process.env).filter(([name]) => !ours.test(name));
    const env = {
      ...Object.fromEntries(others),
      COMPOSE_PROJECT_NAME: project,
      // With containerd's image store, a timestamp in the attestation gives every build a new id: docker/compose#14111.
      BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      ...variables,
    };
    return run("docker", ["compose", ...args], { cwd: folder, env });
  };
  const compose = async (...args: string[]) => {
    const { E2E_BASE_IMAGE: baseImage, E2E_MYSQL_IMAGE: mysqlImage } = process.env;
    const { stdout } = await composeWith(
      {
        BLOG_PORT: String(hostPort),
        ...(baseImage && { BASE_IMAGE: baseImage }),
        ...(mysqlImage && { MYSQL_IMAGE: mysqlImage }),
      },
      args,
    );
    return stdout.trim();
  };
  const up = async (...args: string[]) => {
    const start = Date.now();
    await compose("up", "--detach", "--wait", ...args);
    return ((Date.now() - start) / 1000).toFixed(0);
  };
  const inService = (service: string, ...command: string[]) => compose("exec", "-T", service, ...command);
  // `exec` needs a running container, and the migration has ended.
  const inMigration = (...command: string[]) => compose("run", "--rm", "--no-deps", "-T", "migration", ...command);
  const containers = async () => {
    const ids = await docker("ps", "--all", "--quiet", "--filter", `label=com.docker.compose.project=${project}`);
    const found = JSON.parse(await docker("inspect", ...ids.split("\n"))) as Container[];
    for (const { Mounts } of found) for (const { Name } of Mounts) if (Name) volumes.add(Name);
    return Object.fromEntries(found.map((it) => [it.Config.Labels["com.docker.compose.service"] ?? "", it]));
  };
  const container = async (service: string) => {
    const found = (await containers())[service];
    assert.ok(found, `there is no container of ${service}`);
    return found;
  };
  const answers = () => answersOk(url);
  const showsPost = async () => {
    assert.match((await visitor.get("/")).text, /A post that stays/);
  };
  const readSecrets = async () => {
    const [rootPassword, password, sessionKeys] = await Promise.all([
      inService("mysql", "cat", `${secretsFolder}/MYSQL_ROOT_PASSWORD`),
      inService("mysql", "cat", `${secretsFolder}/MYSQL_PASSWORD`),
      inService("blog", "cat", `${secretsFolder}/SESSION_KEYS`),
    ]);
    return { rootPassword, password, sessionKeys };
  };
  const showsNoSecret = (what: string, text: string) => {
    assert.notEqual(text, "", what);
    for (const [name, value] of Object.entries(secrets)) assert.ok(!text.includes(value), `${name} is in ${what}`);
  };

  before(async function () {
    const problem = await composeProblem();
    if (problem) {
      report(`skipped: ${problem}`);
      this.skip();
    }
    copyProject(folder);
    // Left by a killed run.
    await compose("down", "--volumes", "--remove-orphans");
    engineBefore = engineObjects();
  });

  after(async function () {
    if (engineBefore) {
      if (this.currentTest?.isFailed()) {
        console.log(await compose("ps", "--all"), await compose("logs", "--no-color", "--tail=40"));
      }
      await compose("down", "--volumes", "--remove-orphans");
    }
    rmSync(base, { recursive: true, force: true });
  });

  it("is a configuration that Compose accepts without a warning, the same with .env.example", async () => {
    const plain = await composeWith({}, ["config"]);
    const withExample = await composeWith({}, ["--env-file", ".env.example", "config"]);
    assert.equal(plain.stdout, withExample.stdout);
    assert.equal(plain.stderr, "");
    assert.match(execFileSync("git", ["check-ignore", ".env"], { cwd: projectFolder, encoding: "utf8" }), /^\.env$/m);
  });

  it("comes up from nothing with one command", async () => {
    report(`up from nothing: ${await up("--build")} s`);
    assert.equal(await answers(), true);
    const states = Object.entries(await containers()).map(([service, { State }]) => [
      service,
      State.Health?.Status ?? `${State.Status} ${String(State.ExitCode)}`,
    ]);
    assert.deepEqual(Object.fromEntries(states), {
      secrets: "exited 0",
      mysql: "healthy",
      migration: "exited 0",
      blog: "healthy",
    });
    secrets = await readSecrets();
    assert.match(secrets.rootPassword ?? "", /^[0-9a-f]{32}$/);
    assert.match(secrets.password ?? "", /^[0-9a-f]{32}$/);
    assert.match(secrets.sessionKeys ?? "", /^[0-9a-f]{64}$/);
    assert.notEqual(secrets.rootPassword, secrets.password);
  });

  it("serves the blog: register, log in, write", async () => {
    const registered = await visitor.post("/auth/register", { username: "ada", password: "lovelace" });
    assert.equal(registered.headers.get("location"), "/auth/login");
    const loggedIn = await visitor.post("/auth/login", { username: "ada", password: "lovelace" });
    assert.equal(loggedIn.headers.get("location"), "/");
    const created = await visitor.post("/create", { title: "A post that stays", body: "In a volume" });
    assert.equal(created.headers.get("location"), "/");
    await showsPost();
  });

  it("lets each container read its own secrets only, and change none", async () => {
    const list = ["sh", "-c", `cd ${secretsFolder} && stat -c '%n %a %u %g' . * && ! touch x 2>&1 && ! touch /x 2>&1`];
    const refused = (path: string) => `touch: cannot touch '${path}': Read-only file system`;
    const seen = (group: number, ...names: string[]) =>
      [
        `. 750 0 ${String(group)}`,
        ...names.map((name) => `${name} 440 0 ${String(group)}`),
        refused("x"),
        refused("/x"),
      ].join("\n");
    const { user } = blogContainer;
    assert.equal(await inService("blog", ...list), seen(user, "MYSQL_PASSWORD", "SESSION_KEYS"));
    assert.equal(await inMigration(...list), seen(user, "MYSQL_PASSWORD"));
    assert.equal(await inService("mysql", ...list), seen(mysqlContainer.user, "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"));
    const search = [
      "sh",
      "-c",
      "find / -path /proc -prune -o -name '*ROOT_PASSWORD*' -print; grep CapEff /proc/1/status",
    ];
    for (const output of [await inService("blog", ...search), await inMigration(...search)]) {
      assert.match(output, /^CapEff:\s+0+$/);
    }
  });

  it("shows no secret in its configuration, containers, logs or images", async () => {
    assert.equal(Object.keys(secrets).length, 3);
    const ids = Object.values(await containers()).map(({ Id }) => Id);
    assert.equal(ids.length, 4);
    showsNoSecret("docker inspect", await docker("inspect", ...ids));
    for (const service of ["secrets", "mysql", "migration", "blog"]) {
      showsNoSecret(`the logs of ${service}`, await compose("logs", "--no-color", service));
    }
    showsNoSecret("docker compose config", await compose("config"));
    for (const image of images) {
      showsNoSecret(`docker image inspect ${image}`, await docker("image", "inspect", image));
      showsNoSecret(`docker history ${image}`, await docker("history", "--no-trunc", image));
    }
  });

  it("changes nothing when nothing has changed but the folder's name", async () => {
    const before = await containers();
    renameSync(folder, (folder = join(base, "moved clone")));
    for (const args of [[], ["--build"]]) {
      report(`${["up", ...args].join(" ")} again: ${await up(...args)} s`);
      const now = await containers();
      for (const [service, { Id, State }] of Object.entries(before)) {
        assert.equal(now[service]?.Id, Id, service);
        // Compose runs the other two services again, which change nothing.
        if (service === "mysql" || service === "blog") assert.equal(now[service].State.StartedAt, State.StartedAt);
      }
    }
    assert.match(await compose("logs", "--no-color", "--tail=1", "secrets"), /every secret exists/);
    assert.deepEqual(await readSecrets(), secrets);
    await showsPost();
  });

  for (const service of ["blog", "mysql"]) {
    it(`is there again after ${service} was killed`, async () => {
      const { State, Id } = await container(service);
      // The engine does not restart a container after `docker kill`. Inside the container, process 1 ignores SIGKILL.
      const kill = `process.kill(${String(State.Pid)}, "SIGKILL")`;
      const [image = ""] = images;
      await docker("run", "--rm", "--pid=host", "--user=0", "--entrypoint=node", image, "--eval", kill);
      await until(`${service} runs again`, 30, async () => {
        const now = await container(service);
        return now.State.Status === "running" && now.State.StartedAt !== State.StartedAt;
      });
      await until("the blog answers", 120, answers);
      const now = await container(service);
      assert.deepEqual([now.Id, now.RestartCount], [Id, 1]);
      await showsPost();
    });
  }

  it("is backed up and restored by the commands in docs/operations.md", async () => {
    const script = 'docker compose exec -T mysql bash -c "$(cat db/backup.sh)" -';
    const replace = `set -e; ${script} dump >posts.sql.gz; ${script} load --replace <posts.sql.gz; rm posts.sql.gz`;
    const { stdout } = await run("sh", ["-c", replace], {
      cwd: folder,
      env: { ...process.env, COMPOSE_PROJECT_NAME: project },
    });
    assert.match(stdout, /^Restored users: 1, posts: 1\./);
    await showsPost();
    // A restore logs all users out.
    await visitor.post("/auth/login", { username: "ada", password: "lovelace" });
  });

  it("keeps posts, sessions and secrets when it goes down and comes up", async () => {
    const { Id } = await container("mysql");
    await compose("down");
    assert.equal(await answers(), false);
    report(`up after down: ${await up()} s`);
    assert.notEqual((await container("mysql")).Id, Id);
    assert.deepEqual(await readSecrets(), secrets);
    await showsPost();
    assert.match((await visitor.get("/")).text, /Log Out/);
  });

  it("makes again what secrets an interrupted run has not written, and those only", async () => {
    await compose("down");
    const damage = [
      "cd /secrets",
      "rm -f blog/SESSION_KEYS migration/MYSQL_PASSWORD",
      "printf half >blog/SESSION_KEYS.new",
      "chmod 440 blog/SESSION_KEYS.new",
      ": >migration/MYSQL_PASSWORD",
    ].join(" && ");
    await compose("run", "--rm", "--no-deps", "-T", "--entrypoint=bash", "secrets", "-c", damage);
    await up();
    const { sessionKeys, ...passwords } = await readSecrets();
    assert.deepEqual({ ...passwords, sessionKeys: secrets.sessionKeys }, secrets);
    assert.match(sessionKeys, /^[0-9a-f]{64}$/);
    assert.notEqual(sessionKeys, secrets.sessionKeys);
    assert.equal(await inService("blog", "ls", secretsFolder), "MYSQL_PASSWORD\nSESSION_KEYS");
    assert.equal(await inMigration("cat", `${secretsFolder}/MYSQL_PASSWORD`), secrets.password);
    await showsPost();
  });

  it("leaves nothing when it goes down with its volumes", async () => {
    await compose("down", "--volumes", "--remove-orphans");
    const engineAfter = engineObjects();
    const count = (objects: typeof engineAfter) =>
      Object.entries(objects)
        .map(([kind, names]) => `${String(names.length)} ${kind}`)
        .join(", ");
    report(`before: ${engineBefore ? count(engineBefore) : ""}; after: ${count(engineAfter)}`);
    assert.equal(volumes.size, 4);
    // Only own objects, because other programs may use the engine too.
    const left = Object.values(engineAfter).flat();
    assert.deepEqual(
      left.filter((name) => name.includes(project) || volumes.has(name)),
      [],
    );
  });
});
