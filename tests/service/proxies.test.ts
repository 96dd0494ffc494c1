import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../scripts/lib/privateMysql.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { useBlog } from "./blog.ts";

/** The example for a proxy in docs/operations.md. */
function example(language: string): string {
  const text = readFileSync(join(projectFolder, "docs/operations.md"), "utf8");
  return new RegExp(`\`\`\`${language}\n([^]+?)\`\`\``).exec(text)?.[1] ?? "";
}

/** The example for nginx, with other ports, certificates and without privileges. */
function nginxConfig(folder: string, port: number, upstream: string): string {
  const server = example("nginx")
    .replace("listen 443 ssl", `listen 127.0.0.1:${String(port)} ssl`)
    .replace("http://localhost:8080", upstream)
    .replace(/\/etc\/ssl\/blog.example.com/g, join(folder, "certificate"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {} http { access_log off; ${paths.join(" ")} ${server} }`;
}

/** The example for Caddy, with another port and a certificate of its own. */
function caddyConfig(folder: string, port: number, upstream: string): string {
  const site = example("caddyfile")
    .replace("blog.example.com {", `https://blog.example.com:${String(port)} {\n\tbind 127.0.0.1\n\ttls internal`)
    .replace("localhost:8080", upstream);
  return `{\n\tadmin off\n\tstorage file_system ${folder}\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n${site}`;
}

/** Sends a form to a proxy over TLS, from an address of the loopback network. */
function post(port: number, path: string, fields: Record<string, string>, from: string, headers = {}) {
  return new Promise<{ status: number; cookies: string[] }>((resolve, reject) => {
    const options = {
      ...{ host: "127.0.0.1", port, path, method: "POST", localAddress: from },
      ...{ servername: "blog.example.com", rejectUnauthorized: false },
      headers: {
        host: "blog.example.com",
        origin: "https://blog.example.com",
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
    };
    request(options, (response) => {
      response.resume().on("end", () => {
        resolve({ status: response.statusCode ?? 0, cookies: response.headers["set-cookie"] ?? [] });
      });
    })
      .on("error", reject)
      .end(new URLSearchParams(fields).toString());
  });
}

describe("The blog behind a proxy with TLS, as docs/operations.md describes it", () => {
  const suite = useBlog({ COOKIE_SECURE: true, TRUSTED_PROXIES: 1 });
  const programs = new Set<ReturnType<typeof spawn>>();

  afterEach("stop the proxies", () => {
    for (const program of programs) program.kill("SIGKILL");
    programs.clear();
  });

  /** Starts a proxy on a free port and waits until it listens. Skips the test without the program. */
  async function startProxy(context: Mocha.Context, name: "nginx" | "caddy", upstream: string): Promise<number> {
    if (spawnSync(name, ["-v"]).error) {
      console.log(`    skipped, there is no ${name} on PATH`);
      context.skip();
    }
    const folder = temporaryFolder();
    const port = await freePort();
    if (name === "nginx") {
      const certificate = join(folder, "certificate");
      const subject = ["-subj", "/CN=blog.example.com", "-days", "1", "-nodes"];
      const files = ["-keyout", `${certificate}.key`, "-out", `${certificate}.pem`];
      execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", ...subject, ...files], { stdio: "pipe" });
    }
    const file = join(folder, "proxy.conf");
    writeFileSync(file, (name === "nginx" ? nginxConfig : caddyConfig)(folder, port, upstream));
    const args = name === "nginx" ? ["-c", file] : ["run", "--config", file, "--adapter", "caddyfile"];
    const program = spawn(name, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: folder } });
    programs.add(program);
    let log = "";
    program.stderr.on("data", (data: Buffer) => (log += data.toString()));
    for (let tries = 0; ; tries += 1) {
      const answer = await post(port, "/auth/logout", {}, "127.0.0.1").catch(() => undefined);
      if (answer?.status === 302) return port;
      assert.ok(program.exitCode === null && tries < 50, `${name} does not answer: ${log}`);
      await sleep(200);
    }
  }

  for (const [name, form] of [
    ["nginx", (url: string) => url],
    ["caddy", (url: string) => new URL(url).host],
  ] as const) {
    it(`sends secure cookies and limits each client on its own behind ${name}`, async function () {
      this.timeout(60_000);
      const port = await startProxy(this, name, form(suite.blog.url));
      const login = (password: string, from: string, headers = {}) =>
        post(port, "/auth/login", { username: "test", password }, from, headers);

      const { status, cookies } = await login("test", "127.0.0.1");
      assert.equal(status, 302);
      assert.match(cookies[0] ?? "", /^session=.+; secure; httponly/i);

      // A client cannot escape by an address of its own choice.
      const attempts = Array.from({ length: 10 }, (_, index) =>
        login("wrong", "127.0.0.2", { "x-forwarded-for": `192.0.2.${String(index)}` }),
      );
      for (const attempt of await Promise.all(attempts)) assert.equal(attempt.status, 200);
      assert.equal((await login("test", "127.0.0.2")).status, 429);
      assert.equal((await login("test", "127.0.0.3")).status, 302);
    });
  }

  it("sees the client behind two proxies with TRUSTED_PROXIES=2", async function () {
    this.timeout(60_000);
    const blog = await suite.startAnother({ COOKIE_SECURE: true, TRUSTED_PROXIES: 2 });
    const inner = await startProxy(this, "nginx", blog.url);
    const outer = await startProxy(this, "nginx", `https://127.0.0.1:${String(inner)}`);
    const login = (password: string, from: string) => post(outer, "/auth/login", { username: "other", password }, from);
    for (let attempt = 0; attempt < 10; attempt += 1) assert.equal((await login("wrong", "127.0.0.2")).status, 200);
    assert.equal((await login("other", "127.0.0.2")).status, 429);
    assert.equal((await login("other", "127.0.0.3")).status, 302);
  });
});
