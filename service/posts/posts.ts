import type { Knex } from "knex";
import type { Cursor } from "./cursor.ts";
import { formatCursor } from "./cursor.ts";

const PAGE_SIZE = 10;

export interface Post {
  id: number;
  author_id: number;
  username: string;
  /** As MySQL writes it, in UTC: `2018-01-01 00:00:00`. */
  created: string;
  title: string;
  body: string;
}

export interface Page {
  posts: Post[];
  /** Where the next page begins, or null on the last one. */
  older: string | null;
}

function postsWithAuthor(db: Knex) {
  return db("post AS p")
    .join("user AS u", "p.author_id", "u.id")
    .select("p.id", "p.author_id", "u.username", "p.created", "p.title", "p.body");
}

/** Ten posts, newest first: the first ten, or those after a cursor. In one query, however long the blog is. */
export async function listPosts(db: Knex, after?: Cursor): Promise<Page> {
  // One more than a page, to see whether there is another.
  const query = postsWithAuthor(db)
    .orderBy([
      { column: "p.created", order: "desc" },
      { column: "p.id", order: "desc" },
    ])
    .limit(PAGE_SIZE + 1);
  if (after) {
    // The same as (created, id) < (?, ?), which MySQL would not read from the index.
    void query
      .where("p.created", "<=", after.created)
      .where((or) => or.where("p.created", "<", after.created).orWhere("p.id", "<", after.id));
  }
  const found = (await query) as Post[];
  const posts = found.slice(0, PAGE_SIZE);
  const last = posts.at(-1);
  return { posts, older: found.length > PAGE_SIZE && last ? formatCursor(last) : null };
}

export async function findPost(db: Knex, id: number): Promise<Post | undefined> {
  return (await postsWithAuthor(db).where("p.id", id).first()) as Post | undefined;
}
