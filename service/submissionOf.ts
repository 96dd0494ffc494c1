import { createHash } from "node:crypto";

import type { Context } from "./context.ts";
import { optionalField } from "./middleware/readForm.ts";

/**
 * Identifies a submitted form by its id and content. A double click sends the same id and content twice. After the Back
 * button, a changed text has the same id, but is another submission.
 *
 * @returns a SHA-256 in hexadecimal, or null for a form without an id
 */
export function submissionOf(ctx: Context, ...content: string[]): string | null {
  const id = optionalField(ctx, "form_id");
  if (id === undefined) return null;
  return createHash("sha256")
    .update(JSON.stringify([id, ...content]))
    .digest("hex");
}

export function isDuplicate(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ER_DUP_ENTRY";
}
