import assert from "node:assert/strict";

import knex, { type Knex } from "knex";

import type { DatabaseVariables } from "../../db/variables.ts";
import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { migrate } from "../../db/migrator.ts";
import { useMysql } from "./mysql.ts";

const log = createLogger("silent");
const kinds: Record<string, (config: DatabaseVariables) => Knex.Config> = {
  service: (config) => serviceKnexConfig(config, log, 20_000),
  "migration, backup and restore": (config) => migrationKnexConfig(config, log),
};

describe("The connections to a server with settings of its own", function () {
  this.timeout(300_000);
  const mysql = useMysql(() => ({
    password: "a ' quote, a \\ backslash",
    mysqld: [
      ...["--default-time-zone=+08:00", "--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "--autocommit=OFF"],
      ...["--character-set-server=latin1", "--init-connect=SET SESSION foreign_key_checks = 0"],
      "--transaction-isolation=READ-UNCOMMITTED",
    ],
  }));

  for (const [kind, configOf] of Object.entries(kinds)) {
    it(`have those of the blog: ${kind}`, async () => {
      const db = knex(configOf(mysql().config));
      try {
        const [[found]] = (await db.raw(`
          SELECT @@time_zone AS zone, @@sql_mode AS mode, @@autocommit AS autocommit, @@foreign_key_checks AS foreignKeys,
            @@transaction_isolation AS isolation, @@character_set_client AS client, @@character_set_results AS results,
            @@collation_connection AS collation`)) as [Record<string, unknown>[]];
        const { mode, ...others } = found ?? {};
        assert.deepEqual(others, {
          zone: "+00:00",
          autocommit: 1,
          foreignKeys: 1,
          isolation: "REPEATABLE-READ",
          client: "utf8mb4",
          results: "utf8mb4",
          collation: "utf8mb4_0900_ai_ci",
        });
        assert.match(String(mode), /STRICT_TRANS_TABLES/);
        assert.doesNotMatch(String(mode), /BACKSLASH|ANSI/);
      } finally {
        await db.destroy();
      }
    });
  }

  it("write what others read, in the server's character set too", async () => {
    const migration = knex(migrationKnexConfig(mysql().config, log));
    const service = knex(serviceKnexConfig(mysql().config, log, 20_000));
    try {
      await migrate(migration, log);
      const username = "a ' quote, a \\ backslash, a 🐟";
      await service("user").insert({ username, password: "x" });
      assert.deepEqual(await migration("user").pluck("username"), [username]);
      await assert.rejects(service("post").insert({ author_id: 9, title: "t", body: "b" }), { code: /NO_REFERENCED/ });
      await assert.rejects(service("user").insert({ username: "n", password: "x".repeat(300) }), { code: /TOO_LONG/ });
    } finally {
      await migration.destroy();
      await service.destroy();
    }
  });
});
