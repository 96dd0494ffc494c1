import bodyParser from "@koa/bodyparser";
import type { Context, Middleware } from "./context.ts";
import { HttpError } from "./errors.ts";

const parse = bodyParser({ enableTypes: ["form"], formLimit: "256kb" }) as unknown as Middleware;

/** Reads a form's body; anything else that has a body, or a compressed one, is refused with 415, too much of it with 413. */
export const readForm: Middleware = async function readForm(ctx, next) {
  // No browser compresses a form.
  const isPlain = ["", "identity"].includes(ctx.get("Content-Encoding"));
  const isForm = ctx.request.length === 0 || ctx.is("urlencoded") !== false;
  if (!isPlain || !isForm) throw new HttpError(415, "NOT_A_FORM", "The blog only accepts forms.");
  await parse(ctx, next);
};

/** The text of a form field, or undefined if it is missing or not one text: `title=a&title=b`. */
export function optionalField(ctx: Context, name: string): string | undefined {
  const body = ctx.request.body as Record<string, unknown> | undefined;
  const value = body?.[name];
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
