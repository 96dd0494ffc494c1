import type { Knex } from "knex";

/**
 * Counters of rate-limiter-flexible, which expects these columns. A key is a hash. `expire` is a time in milliseconds.
 * The counters of the migration 0005 stay, because pods of the former image use them until the rollout ends.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE IF NOT EXISTS rate_limit (
      \`key\` VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      points INT NOT NULL DEFAULT 0,
      expire BIGINT UNSIGNED,
      INDEX rate_limit_expire (expire)
    )`);
}
