import type { Knex } from "knex";

/**
 * Counters of rate-limiter-flexible, which expects these columns. A key is a hash. `expire` is a time in milliseconds.
 * They replace those of the migration 0005.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE IF NOT EXISTS rate_limit (
      \`key\` VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      points INT NOT NULL DEFAULT 0,
      expire BIGINT UNSIGNED
    )`);
  await db.raw("DROP TABLE IF EXISTS attempt");
}
