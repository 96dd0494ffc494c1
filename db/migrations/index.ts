import type { Knex } from "knex";
import * as createUserAndPost from "./0001_create_user_and_post.ts";
import * as createSession from "./0002_create_session.ts";
import * as widenColumns from "./0003_widen_columns.ts";
import * as indexPostsByTime from "./0004_index_posts_by_time.ts";
import * as createAttempt from "./0005_create_attempt.ts";

/** A step of the schema. It may be run again after a crash half-way, so each of its statements is guarded. */
export interface Migration {
  name: string;
  up: (db: Knex) => Promise<void>;
}

/** In the order in which they apply. The names are recorded in the database: never rename, remove or reorder one. */
export const migrations: readonly Migration[] = [
  { name: "0001_create_user_and_post", up: createUserAndPost.up },
  { name: "0002_create_session", up: createSession.up },
  { name: "0003_widen_columns", up: widenColumns.up },
  { name: "0004_index_posts_by_time", up: indexPostsByTime.up },
  { name: "0005_create_attempt", up: createAttempt.up },
];

function down(): Promise<never> {
  return Promise.reject(new Error("Migrations only go forward: add one that changes back what is wrong."));
}

/** A list instead of Knex's directory scan, whose names would differ between `.ts` and `.js`. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve([...migrations]),
  getMigrationName: ({ name }) => name,
  getMigration: ({ up }) => Promise.resolve({ up, down }),
};
