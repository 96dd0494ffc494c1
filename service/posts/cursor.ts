import { HttpError } from "../errors.ts";
import type { Post } from "./posts.ts";

/** A place in the list of posts: right after the post with this time and id. */
export interface Cursor {
  /** As MySQL writes it, in UTC: `2018-01-01 00:00:00`. */
  created: string;
  id: number;
}

const pattern = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?_([1-9]\d{0,9})$/;

/** `2018-01-01T00:00:00_1`: the place after this post, for a URL. */
export function formatCursor({ created, id }: Pick<Post, "created" | "id">): string {
  return `${created.replace(" ", "T")}_${String(id)}`;
}

/** @throws {HttpError} 400 for anything that `formatCursor` cannot have written */
export function parseCursor(text: string): Cursor {
  const [, date = "", time = "", fraction = "", id = ""] = pattern.exec(text) ?? [];
  const instant = new Date(`${date}T${time}Z`);
  // Compared with itself, since Date takes February 31 for March 3.
  if (Number.isNaN(instant.valueOf()) || instant.toISOString() !== `${date}T${time}.000Z`) {
    throw new HttpError(400, "CURSOR", "This link to older posts is not complete. Please start from the first page.");
  }
  return { created: `${date} ${time}${fraction}`, id: Number(id) };
}
