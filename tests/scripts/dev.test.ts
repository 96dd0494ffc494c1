import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

import { containerName } from "../../scripts/lib/mysqlServer.ts";
import { freePort } from "../../scripts/lib/privateMysql.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { Client } from "../client.ts";
import { listen } from "../listen.ts";
import { requireMysql } from "../service/docker.ts";
import { until } from "../until.ts";
import { FakeProject } from "./fakeProject.ts";

describe("npm run dev", () => {
  const project = new FakeProject();
  const state = join(project.folder, ".state/dev");

  it("says before it starts MySQL that its port is taken, or that this machine has no MySQL", async () => {
    const server = createServer();
    const port = String(await listen(server));
    const taken = await project.run("dev", [], { PATH: "/nowhere", PORT: port });
    server.close();
    assert.equal(taken.status, 1);
    assert.match(taken.output, new RegExp(`^Port ${port} cannot be used \\(EADDRINUSE\\).+PORT=8081 npm run dev$`));
    // Debian installs the servers there, and the command finds them.
    if (["mysqld", "mariadbd"].some((program) => existsSync(join("/usr/sbin", program)))) return;
    const { status, output } = await project.run("dev", [], { PATH: "/nowhere", PORT: port });
    assert.equal(status, 1);
    assert.match(output, /MySQL cannot run here\..+Start Docker, or install MySQL 8 or later or MariaDB 11\.4\.5/);
  });

  it("serves a blog, shows a changed template, runs once, and leaves nothing but the posts", async function () {
    requireMysql.call(this);
    for (const path of ["service", "db"]) {
      const filter = (source: string) => !source.includes("node_modules");
      cpSync(join(projectFolder, path), join(project.folder, path), { recursive: true, filter });
    }
    const port = String(await freePort());
    const { child, ended } = project.start(["npm", "run", "dev"], { ...process.env, PORT: port });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => (output += stripVTControlCharacters(data.toString())));
    }
    try {
      const hasStarted = () => output.includes("listening") || child.exitCode !== null;
      await until("the blog has started", 90, hasStarted);
      const client = new Client(`http://localhost:${port}`);
      await client.post("/auth/register", { username: "test", password: "test" });
      await client.login();
      assert.equal((await client.post("/create", { title: "a post", body: "x" })).status, 302, output);
      await until("the log is readable", 30, () => output.includes("INFO: request POST /create 302"));
      assert.equal(statSync(join(state, "password")).mode & 0o777, 0o600);

      const template = project.read("service/views/base.html");
      project.write("service/views/base.html", template.replace("</body>", "<i>changed</i></body>"));
      const page = () => client.get("/").then(({ text }) => text, String);
      await until("the changed template is shown", 30, async () => (await page()).includes("<i>changed</i>"));

      const second = await project.run("dev", [], { PORT: "0" });
      assert.equal(second.status, 1);
      assert.match(second.output, /npm run dev already runs in this checkout, as process \d+\. Stop it with Ctrl-C/);
    } finally {
      process.kill(-Number(child.pid), "SIGINT");
      await ended;
    }
    assert.ok(!existsSync(join(state, "pid")));
    const { stdout } = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" });
    assert.ok(!stdout.includes(project.folder), stdout);
    const filter = ["--filter", `name=${containerName(join(state, "container"))}`];
    assert.ok(!spawnSync("docker", ["ps", "--all", "--quiet", ...filter], { encoding: "utf8" }).stdout);
    const data = readdirSync(state).map((kind) => join(state, kind, "data/koa_blog/post.ibd"));
    assert.equal(data.filter((path) => existsSync(path)).length, 1);
  });
});
