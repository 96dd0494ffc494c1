import type { Context } from "../context.ts";

const MAX_USERNAME = 150;
const MAX_PASSWORD = 1024;

/**
 * Removes the spaces that phone keyboards add, and uses one Unicode form. "é" has two forms, which differ in a binary
 * collation.
 */
export function normalizeUsername(text: string): string {
  return text.normalize("NFC").trim();
}

/** An error message, or undefined. `username` is normalized. Lengths are in UTF-16 units, as in HTML. */
export function registrationError(username: string, password: string): string | undefined {
  if (username === "") return "Username is required.";
  if (username.length > MAX_USERNAME) return `Username must be at most ${String(MAX_USERNAME)} characters.`;
  // With an invisible character, a new name would look like an existing one.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(username)) return "Username must not contain invisible characters.";
  if (password === "") return "Password is required.";
  if (password.length > MAX_PASSWORD) return `Password must be at most ${String(MAX_PASSWORD)} characters.`;
  return undefined;
}

type Form = "login" | "register";

export function showForm(ctx: Context, form: Form, locals: { username?: string; error?: string } = {}): void {
  ctx.render(`auth/${form}.html`, { ...locals, maxUsername: MAX_USERNAME, maxPassword: MAX_PASSWORD });
}

/** @param wait in seconds */
export function showTooManyAttempts(ctx: Context, form: Form, username: string, wait: number): void {
  ctx.status = 429;
  ctx.set("Retry-After", String(wait));
  showForm(ctx, form, { username, error: `Too many attempts. Please try again in ${String(wait)} seconds.` });
}
