import { createHash } from "node:crypto";
import type { Readable } from "node:stream";

import type { Knex } from "knex";
import { z } from "zod";

import { linesOf } from "./lines.ts";
import { migrations } from "./migrations/index.ts";
import { pendingMigrations } from "./migrator.ts";
import { unavailableCode } from "./unavailable.ts";

/** In the order in which foreign keys allow inserts. Sessions and attempts expire, so a dump has none. */
const tables = ["user", "post"] as const;
type Table = (typeof tables)[number];

const FORMAT = "koa-blog dump";
const BATCH = 500;

const header = z.object({ format: z.literal(FORMAT), created: z.string(), migrations: z.array(z.string()) });
const row = z.tuple([z.enum(tables), z.record(z.string(), z.union([z.string(), z.number(), z.null()]))]);
const end = z.object({ rows: z.number(), sha256: z.string() });

/**
 * A dump of the blog's users and posts from one transaction, as lines of JSON. The first line is a header. The last
 * line has the number of rows and a hash, which reveal a truncated dump. `db` must not limit the time of a query.
 */
export async function* dump(db: Knex): AsyncGenerator<string, { rows: number }> {
  const hash = createHash("sha256");
  const line = (value: unknown): string => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    return text;
  };
  const snapshot = await db.transaction({ isolationLevel: "repeatable read" });
  let rows = 0;
  try {
    const applied = await snapshot("knex_migrations").pluck<string[]>("name").orderBy("name");
    yield line({ format: FORMAT, created: new Date().toISOString(), migrations: applied });
    for (const table of tables) {
      for await (const found of snapshot(table).select().orderBy("id").stream()) {
        rows += 1;
        yield line([table, found]);
      }
    }
  } finally {
    await snapshot.rollback();
  }
  yield `${JSON.stringify({ rows, sha256: hash.digest("hex") })}\n`;
  return { rows };
}

/** The dump cannot be restored. Nothing has changed. */
export class DumpError extends Error {
  override readonly name = "DumpError";
}

/**
 * Replaces all users and posts with a dump in one transaction, and logs all users out.
 *
 * @param replace whether existing users and posts may be deleted
 * @throws {DumpError} if the dump is incomplete, changed or from a newer schema, or if users exist without `replace`
 */
export async function restore(db: Knex, input: Readable, { replace }: { replace: boolean }): Promise<{ rows: number }> {
  return db.transaction(async (transaction) => {
    const lines = linesOf(input);
    const first = await lines.next();
    await checkHeader(transaction, first.done ? "" : first.value);
    await empty(transaction, replace);

    const hash = createHash("sha256").update(`${first.value ?? ""}\n`);
    const batch: object[] = [];
    let batchTable: Table = "user";
    const flush = async () => {
      if (batch.length > 0) await transaction(batchTable).insert(batch.splice(0)).catch(refuseRows);
    };
    let rows = 0;
    let last: z.infer<typeof end> | undefined;
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      if (last) throw new DumpError("The dump was changed. It has lines after its last line. Use another dump.");
      const value = parse(next.value);
      const found = row.safeParse(value);
      if (!found.success) {
        last = end.safeParse(value).data;
        if (!last) throw new DumpError(`Line ${String(rows + 2)} of the dump is not valid. Use another dump.`);
        continue;
      }
      const [table, content] = found.data;
      hash.update(`${next.value}\n`);
      rows += 1;
      if (table !== batchTable || batch.length === BATCH) await flush();
      batchTable = table;
      batch.push(content);
    }
    await flush();
    if (last?.rows !== rows || last.sha256 !== hash.digest("hex")) {
      throw new DumpError("The dump is incomplete or was changed. Use another dump.");
    }
    return { rows };
  });
}

async function checkHeader(db: Knex, text: string): Promise<void> {
  const found = header.safeParse(parse(text));
  if (!found.success) throw new DumpError("This is not a dump of the blog. Use the output of db/backup.ts.");
  const known = migrations.map(({ name }) => name);
  const newer = found.data.migrations.filter((name) => !known.includes(name));
  if (newer.length > 0) {
    throw new DumpError(
      `The dump is from a newer version of the blog (${newer.join(", ")}). Deploy that version or a later one first.`,
    );
  }
  const missing = await pendingMigrations(db);
  if (missing.length > 0) {
    throw new DumpError(`The database lacks migrations (${missing.join(", ")}). Run db/migrate.ts first.`);
  }
}

async function empty(db: Knex, replace: boolean): Promise<void> {
  const user: unknown = await db("user").first("id");
  if (user !== undefined && !replace) {
    throw new DumpError("The blog already has users. To replace all users and posts, add --replace.");
  }
  for (const table of ["session", "attempt", ...tables.toReversed()]) await db(table).delete();
}

function refuseRows(error: NodeJS.ErrnoException): never {
  if (unavailableCode(error) !== undefined) throw error;
  throw new DumpError(`Rows of the dump do not fit the database (${error.code ?? error.message}). Use another dump.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
