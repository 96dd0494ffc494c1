import type { Knex } from "knex";

const index = "post_created_id";

/** The index has the order of the index page, so a page reads only its ten posts. */
export async function up(db: Knex): Promise<void> {
  const existing: unknown = await db("information_schema.statistics")
    .first("index_name")
    .whereRaw("table_schema = DATABASE() AND table_name = 'post' AND index_name = ?", [index]);
  if (existing === undefined) await db.raw("CREATE INDEX ?? ON post (created, id)", [index]);
}
