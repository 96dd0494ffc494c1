import knex, { type Knex } from "knex";

import { migrationKnexConfig } from "../db/knexConfig.ts";
import { migrate } from "../db/migrator.ts";
import { hashPassword } from "../service/auth/werkzeugHash.ts";
import { createLogger } from "../service/log.ts";
import { type Mysql, startMysql, untilReady } from "../tests/service/mysql.ts";
import { allCores } from "./servers.ts";

/** The largest number of connections. Each connection has its own user. */
const USERS = 64;
export const PASSWORD = "correct horse battery staple";

/** Prose, with few characters that HTML must escape. */
const BODY = `It was a bright cold day, and the clocks were striking. The reader's page has ten of these, so each is as long as a
short paragraph: long enough to cost something, short enough to be read in passing.

"How long is that?" you may ask. About as long as what you have just read, & a few words more, which say nothing at all but
make up the length.`;

export interface Database {
  mysql: Mysql;
  db: Knex;
  remove(): Promise<void>;
}

export function username(connection: number): string {
  return `reader ${String(connection % USERS)}`;
}

/**
 * Starts a MySQL container with the blog's tables, users and posts.
 *
 * @param cores of MySQL, such as `1-3`. Defaults to all.
 */
export async function startDatabase(posts: number, cores = allCores): Promise<Database> {
  const mysql = await startMysql({ run: ["--cpuset-cpus", cores] });
  const log = createLogger("silent");
  const db = knex(migrationKnexConfig(mysql.config, log));
  const remove = async () => {
    await db.destroy();
    await mysql.remove();
  };
  try {
    await untilReady(mysql);
    await migrate(db, log);
    const password = await hashPassword(PASSWORD);
    await db("user").insert(Array.from({ length: USERS }, (_, number) => ({ username: username(number), password })));
    await addPosts(db, posts);
    return { mysql, db, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Adds posts of about 350 characters, one per minute until now, by all users in turn. */
export async function addPosts(db: Knex, posts: number): Promise<void> {
  if (posts === 0) return;
  await db.raw("SET SESSION cte_max_recursion_depth = ?", [posts]);
  await db.raw(
    `INSERT INTO post (author_id, created, title, body)
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
     SELECT 1 + n % ?, UTC_TIMESTAMP() - INTERVAL ? - n MINUTE, CONCAT('Post ', n),
       ? FROM numbers`,
    [posts, USERS, posts, BODY],
  );
}
