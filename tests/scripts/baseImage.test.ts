import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";

import { projectFolder } from "../../scripts/lib/project.ts";
import { listen } from "../listen.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const docs = readFileSync(join(projectFolder, "docs/troubleshooting.md"), "utf8");
const dockerfile = /```dockerfile\n([^]*?)```/.exec(docs)?.[1] ?? "";
const published = /^FROM (.*)$/m.exec(dockerfile)?.[1] ?? "";
const build = (...args: string[]) => promisify(execFile)("docker", ["build", "--network", "host", ...args]);

describe("The documented base image", () => {
  before(function () {
    if (spawnSync("docker", ["image", "inspect", published]).status !== 0) this.skip();
    if (spawnSync("openssl", ["version"]).status !== 0) this.skip();
  });

  it("makes npm in the build ask the company's mirror, whose certificate it accepts", async () => {
    const folder = temporaryFolder();
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "ca.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...name, ...files], { stdio: "ignore" });
    const asked: string[] = [];
    const pem = { key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "ca.pem")) };
    const mirror = createServer(pem, (request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(404).end();
    });
    const tag = `koa-blog-base-test:${String(process.pid)}`;
    try {
      writeFileSync(join(folder, "npmrc"), `registry=https://127.0.0.1:${String(await listen(mirror))}/\n`);
      writeFileSync(join(folder, "Dockerfile"), dockerfile);
      await build("--tag", tag, folder);
      const image = ["--target", "dependencies", "--file", "service/Dockerfile", "--build-arg", `BASE_IMAGE=${tag}`];
      // The mirror has no packages.
      await assert.rejects(build(...image, projectFolder), /404/);
      assert.ok(asked.some((url) => url.includes("koa")));
    } finally {
      mirror.close();
      spawnSync("docker", ["image", "rm", "--force", tag]);
    }
  }).timeout(120_000);
});
