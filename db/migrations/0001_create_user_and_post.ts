import type { Knex } from "knex";

/**
 * The two tables of the original. Where they exist already, they are adopted as they are.
 *
 * A user name is unique in its column's collation, that is without regard to case and accents: "Admin" cannot be
 * registered beside "admin".
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
