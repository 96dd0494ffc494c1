import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

import { containerName } from "../../scripts/lib/mysqlServer.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { Client } from "../client.ts";
import { listen } from "../listen.ts";
import { requireMysql } from "../service/docker.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

interface Run {
  child: ChildProcess;
  output: () => string;
  exit: Promise<unknown>;
}

describe("npm run dev", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const state = join(folder, ".state", "dev");
  const runs: Run[] = [];
  let port: number;

  /** Starts the command like a shell: in a process group of its own. */
  function start(environment: NodeJS.ProcessEnv = {}, command = ["npm", "run", "dev"]): Run {
    const [program = "", ...args] = command;
    const env = { ...process.env, PORT: String(port), ...environment };
    const child = spawn(program, args, { cwd: folder, env, detached: true });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    const run = { child, output: () => stripVTControlCharacters(output), exit: once(child, "close") };
    runs.push(run);
    return run;
  }

  async function until(run: Run, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 90_000;
    while (!(await condition())) {
      assert.ok(Date.now() < deadline && run.child.exitCode === null && run.child.signalCode === null, run.output());
      await sleep(100);
    }
  }

  const listening = (run: Run) => until(run, () => run.output().includes("listening"));

  /** Like Ctrl-C, which the terminal sends to the whole process group. */
  function interrupt({ child }: Run): void {
    process.kill(-Number(child.pid), "SIGINT");
  }

  function assertNothingLeft(): void {
    assert.ok(!existsSync(join(state, "pid")));
    const { stdout } = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" });
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.includes(folder)),
      [],
    );
    const name = containerName(join(state, "container"));
    const containers = spawnSync("docker", ["ps", "--all", "--quiet", "--filter", `name=${name}`], {
      encoding: "utf8",
    });
    assert.equal(containers.stdout, "");
  }

  before(requireMysql);
  before("copy what the command needs", async () => {
    for (const path of ["scripts", "service", "db", "settings.ts", "package.json", "Pulumi.yaml"]) {
      const filter = (source: string) => !source.includes("node_modules");
      cpSync(join(projectFolder, path), join(folder, path), { recursive: true, filter });
    }
    for (const path of ["node_modules", "service/node_modules"]) {
      if (existsSync(join(projectFolder, path))) symlinkSync(join(projectFolder, path), join(folder, path));
    }
    const server = createServer();
    port = await listen(server);
    server.close();
  });

  after("stop what a failed test leaves", async () => {
    for (const run of runs) {
      try {
        interrupt(run);
        await run.exit;
      } catch {
        // It has ended.
      }
    }
  });

  it("names another port if its own is taken, before it starts MySQL", async () => {
    const server = createServer();
    const taken = await listen(server);
    const run = start({ PORT: String(taken) });
    await run.exit;
    server.close();
    assert.equal(run.child.exitCode, 1);
    assert.match(
      run.output(),
      new RegExp(`Port ${String(taken)} cannot be used \\(EADDRINUSE\\).+PORT=8081 npm run dev`),
    );
    assert.deepEqual(readdirSync(state), []);
  });

  it("says what to install if this machine has neither Docker nor MySQL", async function () {
    if (["mysqld", "mariadbd"].some((program) => existsSync(join("/usr/sbin", program)))) {
      console.log("    skipped, because /usr/sbin has a MySQL server");
      this.skip();
    }
    const run = start({ PATH: "/nowhere" }, [process.execPath, "--import", "tsx", "scripts/dev.ts"]);
    await run.exit;
    assert.equal(run.child.exitCode, 1);
    assert.match(
      run.output(),
      /MySQL cannot run here\..+Start Docker, or install MySQL 8 or later or MariaDB 11\.4\.5/,
    );
  });

  it("serves a blog, shows a changed template, runs once, and leaves nothing but the posts", async () => {
    const first = start();
    await listening(first);
    const client = new Client(`http://localhost:${String(port)}`);
    for (const [path, fields] of [
      ["/auth/register", { username: "test", password: "test" }],
      ["/auth/login", { username: "test", password: "test" }],
      ["/create", { title: "a post", body: "x" }],
    ] as const) {
      const { status, text } = await client.post(path, fields);
      assert.equal(status, 302, `${path}: ${text}\n${first.output()}`);
    }
    await until(first, () => first.output().includes("INFO: request POST /create 302"));
    assert.equal(statSync(join(state, "password")).mode & 0o777, 0o600);

    const template = join(folder, "service/views/base.html");
    writeFileSync(template, readFileSync(template, "utf8").replace("</body>", "<i>changed</i></body>"));
    const shows = (text: string) => async () =>
      (await client.get("/").catch(() => undefined))?.text.includes(text) ?? false;
    await until(first, shows("<i>changed</i>"));

    const second = start({ PORT: "0" });
    await second.exit;
    assert.match(second.output(), /npm run dev already runs in this checkout, as process \d+\. Stop it with Ctrl-C/);

    interrupt(first);
    await first.exit;
    assertNothingLeft();

    const again = start();
    await listening(again);
    // The session is kept too.
    assert.ok((await client.get("/")).text.includes("Log Out"));
    assert.ok(await shows("a post")());
    again.child.kill("SIGTERM");
    await again.exit;
    assertNothingLeft();
  });
});
