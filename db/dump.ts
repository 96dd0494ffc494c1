import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { Knex } from "knex";
import { z } from "zod";
import { linesOf } from "./lines.ts";
import { migrations } from "./migrations/index.ts";
import { unavailableCode } from "./unavailable.ts";

/** What a dump holds, in the order in which it can be inserted. Sessions and attempts are for a while only. */
const tables = ["user", "post"] as const;
type Table = (typeof tables)[number];

const FORMAT = "koa-blog dump";
const BATCH = 500;

const header = z.object({ format: z.literal(FORMAT), created: z.string(), migrations: z.array(z.string()) });
const row = z.tuple([z.enum(tables), z.record(z.string(), z.union([z.string(), z.number(), z.null()]))]);
const end = z.object({ rows: z.number(), sha256: z.string() });

export interface Counted {
  rows: number;
}

/**
 * A dump of the blog's users and posts as lines of JSON: a header, a line for each row, and an end that says how many there
 * are and what they hash to, so that half a dump is known for what it is. All rows are of one moment.
 *
 * @param db - must allow a connection for as long as the dump takes
 */
export async function* dump(db: Knex): AsyncGenerator<string, Counted> {
  const hash = createHash("sha256");
  const line = (value: unknown): string => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    return text;
  };
  // InnoDB's snapshot begins with the first read.
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

/** The dump cannot be restored. The message says why, and what to do. Nothing has changed. */
export class DumpError extends Error {
  override readonly name = "DumpError";
}

/**
 * Puts a dump in the place of all users and posts, or leaves everything as it is. Who was logged in no longer is.
 *
 * @param replace - whether users and posts that are there may go
 * @throws {DumpError} if the dump is not whole, not of this blog, or of a newer schema, or if there are users and may not go
 */
export async function restore(db: Knex, input: Readable, { replace }: { replace: boolean }): Promise<Counted> {
  return db.transaction(async (transaction) => {
    const lines = linesOf(input);
    const first = await lines.next();
    await checkHeader(transaction, first.done ? "" : first.value);
    await empty(transaction, replace);

    const hash = createHash("sha256").update(`${first.value ?? ""}\n`);
    const batches = new Map<Table, object[]>(tables.map((table) => [table, []]));
    const flush = async (table: Table) => {
      const batch = batches.get(table)?.splice(0) ?? [];
      if (batch.length > 0) await transaction(table).insert(batch).catch(refuseRows);
    };
    let rows = 0;
    let last: z.infer<typeof end> | undefined;
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      if (last) throw new DumpError("The dump goes on behind its end: it has been changed. Use another one");
      const value = parse(next.value);
      const found = row.safeParse(value);
      if (!found.success) {
        last = end.safeParse(value).data;
        if (!last) throw new DumpError("A line of the dump is not readable: it has been changed. Use another one");
        continue;
      }
      const [table, content] = found.data;
      hash.update(`${next.value}\n`);
      rows += 1;
      const batch = batches.get(table);
      batch?.push(content);
      // Users are all there before the first post.
      if (batch?.length === BATCH || (table === "post" && batches.get("user")?.length)) await flushAll();
    }
    async function flushAll(): Promise<void> {
      for (const table of tables) await flush(table);
    }
    await flushAll();
    if (last?.rows !== rows || last.sha256 !== hash.digest("hex")) {
      throw new DumpError("The dump is not whole: its end is missing, or says something else. Use another one");
    }
    return { rows };
  });
}

async function checkHeader(db: Knex, text: string): Promise<void> {
  const found = header.safeParse(parse(text));
  if (!found.success) throw new DumpError("This is no dump of the blog. Give the file that a backup has written");
  const known = migrations.map(({ name }) => name);
  const newer = found.data.migrations.filter((name) => !known.includes(name));
  if (newer.length > 0) {
    throw new DumpError(
      `The dump is of a newer version of the blog (${newer.join(", ")}). Deploy that version or a later one first`,
    );
  }
  const applied = await db("knex_migrations").pluck<string[]>("name");
  const missing = known.filter((name) => !applied.includes(name));
  if (missing.length > 0)
    throw new DumpError(`The database lacks migrations (${missing.join(", ")}). Migrate it first`);
}

async function empty(db: Knex, replace: boolean): Promise<void> {
  const user: unknown = await db("user").first("id");
  if (user !== undefined && !replace) {
    throw new DumpError(
      "There are users in this blog. To put the dump in their place, and in that of their posts, add --replace",
    );
  }
  for (const table of ["session", "attempt", ...tables.toReversed()]) await db(table).delete();
}

function refuseRows(error: NodeJS.ErrnoException): never {
  if (unavailableCode(error) !== undefined) throw error;
  throw new DumpError(`Rows of the dump do not fit the database (${error.code ?? error.message}). Use another dump`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
