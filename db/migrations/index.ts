import type { Knex } from "knex";

import * as createUserAndPost from "./0001_create_user_and_post.ts";
import * as createSession from "./0002_create_session.ts";
import * as widenColumns from "./0003_widen_columns.ts";
import * as indexPostsByTime from "./0004_index_posts_by_time.ts";
import * as createAttempt from "./0005_create_attempt.ts";
import * as addSubmission from "./0006_add_submission.ts";
import * as widenForRestores from "./0007_widen_for_restores.ts";
import * as createRateLimit from "./0008_create_rate_limit.ts";

/** After a crash, a migration runs again. So each of its statements checks whether the change exists. */
interface Migration {
  name: string;
  up: (db: Knex) => Promise<void>;
}

/** Never rename, remove or reorder one. Databases record the names. */
export const migrations: readonly Migration[] = [
  { name: "0001_create_user_and_post", up: createUserAndPost.up },
  { name: "0002_create_session", up: createSession.up },
  { name: "0003_widen_columns", up: widenColumns.up },
  { name: "0004_index_posts_by_time", up: indexPostsByTime.up },
  { name: "0005_create_attempt", up: createAttempt.up },
  { name: "0006_add_submission", up: addSubmission.up },
  { name: "0007_widen_for_restores", up: widenForRestores.up },
  { name: "0008_create_rate_limit", up: createRateLimit.up },
];

function down(): Promise<never> {
  return Promise.reject(new Error("Migrations cannot be rolled back. Add a migration that reverts the change."));
}

/** With Knex's directory scan, the names would differ between `.ts` and `.js`. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve([...migrations]),
  getMigrationName: ({ name }) => name,
  getMigration: ({ up }) => Promise.resolve({ up, down }),
};
