import type { Knex } from "knex";

/**
 * The two tables of Flask's tutorial. Existing tables are used as they are.
 *
 * The column's collation ignores case and accents, so "Admin" cannot be registered next to "admin".
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE IF NOT EXISTS user (
      id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      username VARCHAR(150) NOT NULL UNIQUE,
      password VARCHAR(255) NOT NULL
    )`);
  await db.raw(`
    CREATE TABLE IF NOT EXISTS post (
      id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      author_id INT NOT NULL,
      created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
      title VARCHAR(255) NOT NULL,
      body TEXT NOT NULL,
      FOREIGN KEY (author_id) REFERENCES user (id)
    )`);
}
