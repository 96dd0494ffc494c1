import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import knex from "knex";
import { z } from "zod";

import { serviceKnexConfig } from "../../db/knexConfig.ts";
import { databaseVariables } from "../../db/variables.ts";
import { parseEnvironment } from "../../service/environment.ts";
import { createLogger } from "../../service/log.ts";
import { useMysql } from "../service/mysql.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const log = createLogger("silent");

const request = ["req", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-x509"];
const openssl = (folder: string, ...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });

function makeAuthority(folder: string, name: string): void {
  openssl(folder, ...request, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`);
}

/** Creates a server certificate for a host name, signed by the authority `ca`. */
function makeCertificate(folder: string, name: string): void {
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  openssl(folder, ...request, ...names, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem");
  // MySQL's user must read the files.
  for (const file of ["ca.pem", "cert.pem", "key.pem"]) chmodSync(join(folder, file), 0o644);
  chmodSync(folder, 0o755);
}

describe("Connections to a MySQL with TLS", function () {
  this.timeout(120_000);
  let folder = "";

  before(function () {
    const version = execFileSync("openssl", ["version"], { encoding: "utf8" });
    if (!/^OpenSSL ([3-9]|\d\d)/.test(version)) {
      console.log(`    skipped, since it makes certificates with OpenSSL 3: ${version.trim()}`);
      this.skip();
    }
    folder = temporaryFolder();
    makeAuthority(folder, "ca");
    makeAuthority(folder, "other");
    makeCertificate(folder, "localhost");
  });
  const files = ["--ssl-ca=/tls/ca.pem", "--ssl-cert=/tls/cert.pem", "--ssl-key=/tls/key.pem"];
  const mysql = useMysql(() => ({
    run: ["--volume", `${folder}:/tls:ro`],
    mysqld: [...files, "--require-secure-transport=ON"],
  }));

  const cipher = async (host: string, ca?: string): Promise<string> => {
    const environment = {
      ...Object.fromEntries(Object.entries(mysql().config).map(([name, value]) => [name, String(value)])),
      MYSQL_HOST: host,
      ...(ca !== undefined && { MYSQL_CA_FILE: join(folder, ca) }),
    };
    const db = knex(serviceKnexConfig(parseEnvironment(z.object(databaseVariables), environment), log));
    try {
      const [[row]] = (await db.raw("SHOW SESSION STATUS LIKE 'Ssl_cipher'")) as [{ Value: string }[]];
      return row?.Value ?? "";
    } finally {
      await db.destroy();
    }
  };

  it("are encrypted with the CA certificate in MYSQL_CA_FILE", async () => {
    assert.match(await cipher("localhost", "ca.pem"), /^TLS_/);
  });

  it("accept a bundle of CA certificates that is too long for an environment variable", async () => {
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    const bundle = read("other.pem").repeat(Math.ceil(200_000 / read("other.pem").length)) + read("ca.pem");
    assert.ok(bundle.length > 200_000);
    writeFileSync(join(folder, "bundle.pem"), bundle);
    assert.match(await cipher("localhost", "bundle.pem"), /^TLS_/);
  });

  it("are refused without TLS, if the server requires it", async () => {
    await assert.rejects(cipher("localhost"), /insecure transport are prohibited/);
  });

  it("fail if another CA has signed the certificate, or if it has another host name", async () => {
    await assert.rejects(cipher("localhost", "other.pem"), /certificate/);
    makeCertificate(folder, "mysql.example.com");
    await mysql().root("ALTER INSTANCE RELOAD TLS");
    await assert.rejects(cipher("localhost", "ca.pem"), /altnames/);
  });
});
