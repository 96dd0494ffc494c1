import { createHash } from "node:crypto";

import type { Context } from "../context.ts";
import { field, optionalField } from "../middleware/readForm.ts";

const MAX_TITLE = 255;
/** MySQL's TEXT has 65,535 bytes, and a character in UTF-8 up to four. */
const MAX_BODY = 16_000;

export const fieldLimits = { maxTitle: MAX_TITLE, maxBody: MAX_BODY };

export interface PostForm {
  title: string;
  body: string;
}

/** @throws {HttpError} 400 if a field is missing */
export function readPost(ctx: Context): PostForm {
  return { title: field(ctx, "title"), body: withPlainNewlines(field(ctx, "body")) };
}

/** For an error page that keeps the user's text. Null if the request has no post. */
export function submittedPost(ctx: Context) {
  const title = optionalField(ctx, "title");
  const body = optionalField(ctx, "body");
  if (title === undefined || body === undefined) return null;
  return { title, body: withPlainNewlines(body), id: optionalField(ctx, "form_id"), ...fieldLimits };
}

/** An error message, or undefined. Lengths are in UTF-16 units, as in HTML. */
export function validationError({ title, body }: PostForm): string | undefined {
  // A title of invisible characters would leave no link to click. U+2800 is an empty Braille pattern.
  if (!/[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u.test(title)) return "Title is required.";
  if (title.length > MAX_TITLE) return `Title must be at most ${String(MAX_TITLE)} characters.`;
  if (body.length > MAX_BODY) return `Body must be at most ${String(MAX_BODY)} characters.`;
  return undefined;
}

/**
 * Identifies a new post by its form and text. A double click on Save sends both twice. After the Back button, a changed
 * text has the same form id, but is another post.
 *
 * @returns a SHA-256 in hexadecimal, or null for a form without an id
 */
export function submissionKey(ctx: Context, { title, body }: PostForm): string | null {
  const id = optionalField(ctx, "form_id");
  if (id === undefined) return null;
  const parts = [id, String(ctx.state.user?.id), title, body];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Browsers send a line break as two characters, but `maxlength` counts one. */
function withPlainNewlines(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
