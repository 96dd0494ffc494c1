import type { Knex } from "knex";

/** `id` is the SHA-256 of the cookie's value. `expires` is in UTC. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE IF NOT EXISTS session (
      id CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      data JSON NOT NULL,
      expires DATETIME NOT NULL,
      INDEX session_expires (expires)
    )`);
}
