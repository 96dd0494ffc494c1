import type { Knex } from "knex";

const BATCH = 1000;

/** Deletes the rows of a query in batches, so that locks are short. */
export async function deleteInBatches(query: () => Knex.QueryBuilder): Promise<void> {
  let deleted: unknown;
  do {
    deleted = await query().limit(BATCH).delete();
  } while (deleted === BATCH);
}
