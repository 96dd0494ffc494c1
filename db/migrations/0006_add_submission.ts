import type { Knex } from "knex";

const index = "post_submission";

/**
 * The hash of the submitted form, so a double click creates one post. See `submissionKey` in service/posts. It is
 * null for rows of another program. Earlier versions also wrote it for users.
 *
 * MySQL would use an index on (author_id, submission) for the foreign key too. It would then not check the key where
 * `submission` is null.
 */
export async function up(db: Knex): Promise<void> {
  for (const table of ["post", "user"]) {
    if (await db.schema.hasColumn(table, "submission")) continue;
    await db.raw("ALTER TABLE ?? ADD COLUMN submission CHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL", [
      table,
    ]);
  }
  const existing: unknown = await db("information_schema.statistics")
    .first("index_name")
    .whereRaw("table_schema = DATABASE() AND table_name = 'post' AND index_name = ?", [index]);
  if (existing === undefined) await db.raw("CREATE UNIQUE INDEX ?? ON post (submission)", [index]);
}
