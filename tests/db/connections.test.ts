import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import knex, { type Knex } from "knex";

import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { sharedMysql, useDatabase } from "../service/sharedMysql.ts";

const log = createLogger("silent");

/** Runs a query on a new connection, and returns the last column of its row. */
async function select(config: Knex.Config, sql: string, ...values: string[]): Promise<string> {
  const db = knex(config);
  try {
    const [[row = {}]] = (await db.raw(sql, values)) as [Record<string, string>[]];
    return Object.values(row).at(-1) ?? "";
  } finally {
    await db.destroy();
  }
}

describe("Connections to MySQL", function () {
  this.timeout(60_000);
  const database = useDatabase();

  it("use UTC and a strict sql_mode, whatever the server's defaults are", async () => {
    const { root } = await sharedMysql();
    await root("SET GLOBAL time_zone = '+08:00'; SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';");
    try {
      for (const configOf of [serviceKnexConfig, migrationKnexConfig]) {
        const config = configOf(database(), log);
        const text = "a ' quote, a \\ backslash, a 🐟";
        assert.equal(await select(config, "SELECT ?", text), text);
        assert.equal(await select(config, "SELECT @@time_zone"), "+00:00");
        assert.match(await select(config, "SELECT @@sql_mode"), /^(?!.*(BACKSLASH|ANSI)).*STRICT_TRANS_TABLES/);
      }
    } finally {
      await root("SET GLOBAL time_zone = DEFAULT; SET GLOBAL sql_mode = DEFAULT;");
    }
  });

  it("with MYSQL_CA are encrypted, and accept only a certificate of these CAs with the host's name", async function () {
    const { root, container } = await sharedMysql();
    if (container === undefined) this.skip();
    // The container has this folder at the same path.
    const folder = join(dirname(await root("SELECT @@datadir")), "tls");
    mkdirSync(folder);
    const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), "utf8");
    for (const name of ["localhost", "mysql.example.com"]) {
      const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
      const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
      const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files];
      execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
    }
    const useCertificate = (certificate: string, key: string) =>
      root(`SET GLOBAL ssl_cert = '${certificate}', ssl_key = '${key}'; ALTER INSTANCE RELOAD TLS;`);
    const cipher = async (MYSQL_CA?: string) => {
      const config = { ...database(), MYSQL_HOST: "localhost", ...(MYSQL_CA !== undefined && { MYSQL_CA }) };
      return select(serviceKnexConfig(config, log), "SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    };

    const [certificate = "", key = ""] = (await root("SELECT @@ssl_cert, @@ssl_key")).split(",");
    try {
      await useCertificate(join(folder, "localhost.pem"), join(folder, "localhost.key"));
      assert.equal(await cipher(), "");
      assert.match(await cipher(pem("mysql.example.com") + pem("localhost")), /^TLS_/);
      await assert.rejects(cipher(pem("mysql.example.com")), /certificate/);
      await useCertificate(join(folder, "mysql.example.com.pem"), join(folder, "mysql.example.com.key"));
      await assert.rejects(cipher(pem("mysql.example.com")), /altnames/);
    } finally {
      await useCertificate(certificate, key);
    }
  });
});
