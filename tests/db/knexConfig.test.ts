import assert from "node:assert/strict";

import knex from "knex";

import { migrationKnexConfig, serviceKnexConfig } from "../../db/knexConfig.ts";
import { createLogger } from "../../service/log.ts";
import { sharedMysql, useDatabase } from "../service/sharedMysql.ts";

const log = createLogger("silent");

describe("Connections of", () => {
  const database = useDatabase();

  for (const [program, configOf] of Object.entries({ service: serviceKnexConfig, migration: migrationKnexConfig })) {
    it(`the ${program} use UTC and a strict sql_mode, whatever the server's defaults are`, async () => {
      const mysql = await sharedMysql();
      await mysql.root("SET GLOBAL time_zone = '+08:00'; SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';");
      const db = knex(configOf(database(), log));
      try {
        const text = "a ' quote, a \\ backslash, a 🐟";
        const [[row]] = (await db.raw("SELECT @@time_zone AS zone, @@sql_mode AS mode, ? AS text", [text])) as [
          [{ zone: string; mode: string; text: string }],
        ];
        assert.deepEqual([row.zone, row.text], ["+00:00", text]);
        assert.match(row.mode, /STRICT_TRANS_TABLES/);
        assert.doesNotMatch(row.mode, /BACKSLASH|ANSI/);
      } finally {
        await db.destroy();
        await mysql.root("SET GLOBAL time_zone = DEFAULT; SET GLOBAL sql_mode = DEFAULT;");
      }
    });
  }

  it("the service are closed after a query without an answer in time, and a new one is opened", async () => {
    const db = knex(serviceKnexConfig(database(), log, 500));
    try {
      await assert.rejects(async () => db.raw("SELECT SLEEP(2)"), { code: "PROTOCOL_CONNECTION_LOST" });
      assert.ok(await db.raw("SELECT 1"));
    } finally {
      await db.destroy();
    }
  });
});
