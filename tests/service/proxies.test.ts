import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Agent, request } from "undici";

import { freePort } from "../../scripts/lib/privateMysql.ts";
import { projectFolder } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { useBlog } from "./blog.ts";

/** The example for a proxy in docs/operations.md. */
function example(language: string): string {
  const text = readFileSync(join(projectFolder, "docs/operations.md"), "utf8");
  return new RegExp(`\`\`\`${language}\n([^]+?)\`\`\``).exec(text)?.[1] ?? "";
}

/** The example for nginx, with another port, a certificate, and without privileges. */
function nginxConfig(folder: string, port: number, upstream: string): string {
  const certificate = join(folder, "certificate");
  const files = ["-keyout", `${certificate}.key`, "-out", `${certificate}.pem`];
  const options = ["-x509", "-newkey", "rsa:2048", "-subj", "/CN=blog.example.com", "-nodes", ...files];
  execFileSync("openssl", ["req", ...options], { stdio: "pipe" });
  const server = example("nginx")
    .replace("listen 443 ssl", `listen 127.0.0.1:${String(port)} ssl`)
    .replace("localhost:8080", upstream)
    .replaceAll("/etc/ssl/blog.example.com", certificate);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const http = `http { access_log off; ${paths} ${server} }`;
  return `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {} ${http}`;
}

/** The example for Caddy, with another port and a certificate of its own. */
function caddyConfig(folder: string, port: number, upstream: string): string {
  const site = example("caddyfile")
    .replace("blog.example.com {", `https://blog.example.com:${String(port)} {\n\tbind 127.0.0.1\n\ttls internal`)
    .replace("localhost:8080", upstream);
  return `{\n\tadmin off\n\tstorage file_system ${folder}\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n${site}`;
}

describe("The blog behind a proxy with TLS, as docs/operations.md describes it", () => {
  const suite = useBlog();
  let proxy: ChildProcess | undefined;

  // After SIGKILL, nginx leaves its worker.
  afterEach("stop the proxy", () => proxy?.kill("SIGTERM"));

  for (const [name, config, args] of [
    ["nginx", nginxConfig, ["-c"]],
    ["caddy", caddyConfig, ["run", "--adapter", "caddyfile", "--config"]],
  ] as const) {
    it(`accepts its own forms, sends secure cookies and sees the client's address behind ${name}`, async function () {
      if (spawnSync(name, ["-v"]).error) {
        console.log(`    skipped, there is no ${name} on PATH`);
        this.skip();
      }
      const lines: string[] = [];
      const variables = { COOKIE_SECURE: true, TRUSTED_PROXIES: 1, LOG_LEVEL: "info" } as const;
      const blog = await suite.startAnother(variables, { write: (line) => void lines.push(line) });
      const [folder, port] = [temporaryFolder(), await freePort()];
      const file = join(folder, "proxy.conf");
      writeFileSync(file, config(folder, port, new URL(blog.url).host));
      const env = { ...process.env, HOME: folder };
      const running = spawn(name, [...args, file], { stdio: ["ignore", "ignore", "pipe"], env });
      proxy = running;
      let log = "";
      running.stderr.on("data", (data: Buffer) => (log += data.toString()));

      const connect = { servername: "blog.example.com", rejectUnauthorized: false };
      const dispatcher = new Agent({ connect, localAddress: "127.0.0.2" });
      const headers = {
        host: "blog.example.com",
        origin: "https://blog.example.com",
        "content-type": "application/x-www-form-urlencoded",
        // A client cannot choose its address.
        "x-forwarded-for": "192.0.2.1",
      };
      const options = { method: "POST", headers, body: "username=test&password=test" } as const;
      const login = () => request(`https://127.0.0.1:${String(port)}/auth/login`, { ...options, dispatcher });
      let reply = await login().catch(() => undefined);
      for (let tries = 0; reply === undefined; tries += 1) {
        assert.ok(running.exitCode === null && tries < 100, `${name} does not answer: ${log}`);
        await sleep(100);
        reply = await login().catch(() => undefined);
      }
      await reply.body.dump();
      await dispatcher.close();
      assert.equal(reply.statusCode, 302);
      assert.match(String(reply.headers["set-cookie"]), /^session=.+; secure; httponly/i);
      assert.match(lines.at(-1) ?? "", /"client":\{"ip":"127\.0\.0\.2"\}/);
    });
  }
});
