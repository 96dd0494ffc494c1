import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import knex from "knex";

import { serviceKnexConfig } from "../../db/config.ts";
import { createLogger } from "../../db/log.ts";
import { requireDocker } from "./docker.ts";
import { startMysql, untilReady, type Mysql } from "./mysql.ts";

const log = createLogger("silent");

const request = ["req", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-x509"];
const openssl = (folder: string, ...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });

function makeAuthority(folder: string, name: string): void {
  openssl(folder, ...request, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`);
}

/** The server's certificate, for a name of its own, signed by the authority `ca`. */
function makeCertificate(folder: string, name: string): void {
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  openssl(folder, ...request, ...names, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem");
  // For MySQL's user.
  for (const file of ["ca.pem", "cert.pem", "key.pem"]) chmodSync(join(folder, file), 0o644);
  chmodSync(folder, 0o755);
}

describe("Connections to a MySQL with TLS", function () {
  this.timeout(120_000);
  let folder = "";
  let mysql: Mysql | undefined;

  before(requireDocker);
  before(async function () {
    const version = execFileSync("openssl", ["version"], { encoding: "utf8" });
    if (!/^OpenSSL ([3-9]|\d\d)/.test(version)) {
      console.log(`    skipped, since it makes certificates with OpenSSL 3: ${version.trim()}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "koa-blog-tls-"));
    makeAuthority(folder, "ca");
    makeAuthority(folder, "other");
    makeCertificate(folder, "localhost");
    const files = ["--ssl-ca=/tls/ca.pem", "--ssl-cert=/tls/cert.pem", "--ssl-key=/tls/key.pem"];
    mysql = await startMysql({
      run: ["--volume", `${folder}:/tls:ro`],
      mysqld: [...files, "--require-secure-transport=ON"],
    });
    await untilReady(mysql);
  });
  after(async () => {
    await mysql?.remove();
    if (folder) rmSync(folder, { recursive: true });
  });

  const cipher = async (host: string, ca?: string): Promise<string> => {
    assert.ok(mysql);
    const config = { ...mysql.config, MYSQL_HOST: host };
    const tls = ca === undefined ? {} : { MYSQL_CA: readFileSync(join(folder, ca), "utf8") };
    const db = knex(serviceKnexConfig({ ...config, ...tls }, log));
    try {
      const [[row]] = (await db.raw("SHOW SESSION STATUS LIKE 'Ssl_cipher'")) as [{ Value: string }[]];
      return row?.Value ?? "";
    } finally {
      await db.destroy();
    }
  };

  it("are encrypted with the authority's certificate", async () => {
    assert.match(await cipher("localhost", "ca.pem"), /^TLS_/);
  });

  it("are refused by a server that wants them encrypted, without it", async () => {
    await assert.rejects(cipher("localhost"), /insecure transport are prohibited/);
  });

  it("are not made to a server that another authority has signed, or of another name", async () => {
    await assert.rejects(cipher("localhost", "other.pem"), /certificate/);
    makeCertificate(folder, "mysql.example.com");
    await mysql?.root("ALTER INSTANCE RELOAD TLS");
    await assert.rejects(cipher("localhost", "ca.pem"), /altnames/);
  });
});
