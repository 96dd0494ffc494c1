import type { Context } from "../context.ts";
import { field, optionalField } from "../form.ts";

const MAX_TITLE = 255;
/** Fits MySQL's TEXT of 65,535 bytes with the longest characters, of four bytes. */
const MAX_BODY = 16_000;

/** For the form's template. */
export const limits = { maxTitle: MAX_TITLE, maxBody: MAX_BODY };

export interface PostForm {
  title: string;
  body: string;
}

/** @throws {HttpError} 400 if a field is missing */
export function readPost(ctx: Context): PostForm {
  return { title: field(ctx, "title"), body: withPlainNewlines(field(ctx, "body")) };
}

/** The same, for a page that says why the form was refused; null if there is no text to keep. */
export function submittedPost(ctx: Context): PostForm | null {
  const title = optionalField(ctx, "title");
  const body = optionalField(ctx, "body");
  return ctx.state.user && title !== undefined && body !== undefined ? { title, body: withPlainNewlines(body) } : null;
}

/** What is wrong with a post, or undefined. Lengths are in UTF-16 units, as in HTML. */
export function postProblem({ title, body }: PostForm): string | undefined {
  if (title.trim() === "") return "Title is required.";
  if (title.length > MAX_TITLE) return `Title must be at most ${String(MAX_TITLE)} characters.`;
  if (body.length > MAX_BODY) return `Body must be at most ${String(MAX_BODY)} characters.`;
  return undefined;
}

/** Browsers send a line's end as two characters, but count it as one. */
function withPlainNewlines(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
