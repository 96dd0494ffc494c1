import type { Knex } from "knex";

/**
 * Attempts that are counted for a while, such as wrong passwords. `id` is a SHA-256 of what they are counted by, in
 * hexadecimal: the table tells nobody who tried to log in as whom. `expires` is in UTC.
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
