import bodyParser from "@koa/bodyparser";

import type { Context, Middleware } from "../context.ts";
import { HttpError, statusError } from "../httpError.ts";

/** Reads a form of at most 256 KiB. A larger one gets 413. */
export const readForm = bodyParser({
  enableTypes: ["form"],
  formLimit: "256kb",
  onError(error) {
    // Errors of zlib have no status. A client may send a form that is not compressed as it says.
    throw "status" in error ? error : statusError(400, error);
  },
}) as unknown as Middleware;

/** The text of a form field, or undefined if it is missing or given twice. */
export function optionalField(ctx: Context, name: string): string | undefined {
  const form = ctx.request.body as Record<string, unknown> | undefined;
  const value = form?.[name];
  return typeof value === "string" ? value : undefined;
}

/** @throws {HttpError} 400 if the field is missing or given twice */
export function field(ctx: Context, name: string): string {
  const value = optionalField(ctx, name);
  if (value === undefined) {
    throw new HttpError(400, "FORM_FIELD", `The form must have the field “${name}” exactly once.`);
  }
  return value;
}
