import type { Knex } from "knex";

import { HttpError } from "../httpError.ts";

const PAGE_SIZE = 10;

export interface Post {
  id: number;
  author_id: number;
  username: string;
  /** MySQL's notation in UTC, such as `2018-01-01 00:00:00`. */
  created: string;
  title: string;
  body: string;
}

export interface Page {
  posts: Post[];
  /** The cursor of the next page, or null on the last page. */
  older: string | null;
}

/** The place after the post with this time and id. */
type Cursor = Pick<Post, "created" | "id">;

function postsWithAuthor(db: Knex) {
  return db("post AS p")
    .join("user AS u", "p.author_id", "u.id")
    .select("p.id", "p.author_id", "u.username", "p.created", "p.title", "p.body");
}

/** Ten posts, newest first. OFFSET would read all posts before the page. */
export async function listPosts(db: Knex, before?: Cursor): Promise<Page> {
  // One more post than a page shows whether an older page exists.
  const query = postsWithAuthor(db)
    .orderBy([
      { column: "p.created", order: "desc" },
      { column: "p.id", order: "desc" },
    ])
    .limit(PAGE_SIZE + 1);
  if (before) {
    // MySQL does not use the index for (created, id) < (?, ?).
    void query
      .where("p.created", "<=", before.created)
      .where((or) => or.where("p.created", "<", before.created).orWhere("p.id", "<", before.id));
  }
  const found = (await query) as Post[];
  const posts = found.slice(0, PAGE_SIZE);
  const last = posts.at(-1);
  return { posts, older: found.length > PAGE_SIZE && last ? formatCursor(last) : null };
}

export async function findPost(db: Knex, id: number): Promise<Post | undefined> {
  return (await postsWithAuthor(db).where("p.id", id).first()) as Post | undefined;
}

const cursorPattern = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?_(0|[1-9]\d{0,9})$/;

/** The cursor in a URL, such as `2018-01-01T00:00:00_1`. */
export function formatCursor({ created, id }: Cursor): string {
  return `${created.replace(" ", "T")}_${String(id)}`;
}

/** @throws {HttpError} 400 for a text that is not from `formatCursor` */
export function parseCursor(text: string): Cursor {
  const [, date = "", time = "", fraction = "", id = ""] = cursorPattern.exec(text) ?? [];
  const instant = new Date(`${date}T${time}Z`);
  // Date parses February 31 as March 3. MySQL's zero date, which Flask's tables may have, is no date for it.
  const isDate = !Number.isNaN(instant.valueOf()) && instant.toISOString() === `${date}T${time}.000Z`;
  if (!isDate && `${date} ${time}` !== "0000-00-00 00:00:00") {
    throw new HttpError(400, "CURSOR", "This link to older posts is not complete. Please start from the first page.");
  }
  return { created: `${date} ${time}${fraction}`, id: Number(id) };
}
