import type { Context } from "../context.ts";
import { field, optionalField } from "../middleware/readForm.ts";

const MAX_TITLE = 255;
/** MySQL's TEXT has 65,535 bytes, and a character in UTF-8 up to four. */
const MAX_BODY = 16_000;

export const limits = { maxTitle: MAX_TITLE, maxBody: MAX_BODY };

export interface PostForm {
  title: string;
  body: string;
}

/** @throws {HttpError} 400 if a field is missing */
export function readPost(ctx: Context): PostForm {
  return { title: field(ctx, "title"), body: withPlainNewlines(field(ctx, "body")) };
}

/** For an error page that keeps the user's text. Null if a field is missing. */
export function submittedPost(ctx: Context): PostForm | null {
  const title = optionalField(ctx, "title");
  const body = optionalField(ctx, "body");
  return ctx.state.user && title !== undefined && body !== undefined ? { title, body: withPlainNewlines(body) } : null;
}

/** An error message, or undefined. Lengths are in UTF-16 units, as in HTML. */
export function postProblem({ title, body }: PostForm): string | undefined {
  if (title.trim() === "") return "Title is required.";
  if (title.length > MAX_TITLE) return `Title must be at most ${String(MAX_TITLE)} characters.`;
  if (body.length > MAX_BODY) return `Body must be at most ${String(MAX_BODY)} characters.`;
  return undefined;
}

/** Browsers send a line break as two characters, but `maxlength` counts one. */
function withPlainNewlines(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
