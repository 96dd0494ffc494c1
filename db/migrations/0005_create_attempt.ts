import type { Knex } from "knex";

/**
 * Counters of attempts, such as wrong passwords. `id` is a SHA-256 of the user name and the IP address, so a leaked
 * table shows neither. `expires` is in UTC.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE IF NOT EXISTS attempt (
      id CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      count INT UNSIGNED NOT NULL,
      expires DATETIME NOT NULL,
      INDEX attempt_expires (expires)
    )`);
}
