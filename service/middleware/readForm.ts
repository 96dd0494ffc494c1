import { isUtf8 } from "node:buffer";

import bodyParser from "@koa/bodyparser";

import type { Context, Middleware } from "../context.ts";
import { HttpError } from "../httpError.ts";

const FORM = "application/x-www-form-urlencoded";
const encodings = ["", "utf-8", "utf8"];

/** Latin-1 keeps every byte. The parser's UTF-8 decoder would replace invalid bytes. */
const readBytes = bodyParser({
  enableTypes: ["text"],
  extendTypes: { text: [FORM] },
  textLimit: "256kb",
  encoding: "latin1",
}) as unknown as Middleware;

/**
 * Reads the form of a POST. Another type or a compressed body gets 415, and a form that is too large gets 413. No route
 * reads the body of another method.
 */
export const readForm: Middleware = async function readForm(ctx, next) {
  if (ctx.method !== "POST") {
    await next();
    return;
  }
  // No browser compresses a form.
  const isPlain = ["", "identity"].includes(ctx.get("Content-Encoding"));
  const isForm = ctx.request.length === 0 || ctx.is(FORM) !== false;
  if (!isPlain || !isForm) throw new HttpError(415, "NOT_A_FORM", "The blog only accepts forms.");
  if (!encodings.includes(ctx.request.charset.toLowerCase())) throw notUtf8();
  await readBytes(ctx, async () => {
    const { body } = ctx.request;
    ctx.state.form = decode(typeof body === "string" ? body : "");
    await next();
  });
};

/** @throws {HttpError} 415 if the form is not in UTF-8 */
function decode(body: string): URLSearchParams {
  const decoded = body.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  if (!isUtf8(Buffer.from(decoded, "latin1"))) throw notUtf8();
  return new URLSearchParams(Buffer.from(body, "latin1").toString());
}

function notUtf8(): HttpError {
  return new HttpError(415, "NOT_UTF8", "The blog only accepts forms in UTF-8, so nothing was changed.");
}

/** The text of a form field, or undefined if it is missing or given twice. */
export function optionalField(ctx: Context, name: string): string | undefined {
  const [value, ...others] = ctx.state.form?.getAll(name) ?? [];
  return others.length === 0 ? value : undefined;
}

/** @throws {HttpError} 400 if the field is missing or given twice */
export function field(ctx: Context, name: string): string {
  const value = optionalField(ctx, name);
  if (value === undefined) {
    throw new HttpError(400, "FORM_FIELD", `The form must have the field “${name}” exactly once.`);
  }
  return value;
}
