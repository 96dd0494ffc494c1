export const MAX_USERNAME = 150;
export const MAX_PASSWORD = 1024;

/** What is wrong with the fields of the registration form, or undefined. Lengths are in UTF-16 units, as in HTML. */
export function registrationProblem(username: string, password: string): string | undefined {
  if (username.trim() === "") return "Username is required.";
  if (username.length > MAX_USERNAME) return `Username must be at most ${String(MAX_USERNAME)} characters.`;
  // Names that look the same must be the same.
  if (username.trim() !== username) return "Username must not begin or end with a space.";
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(username)) return "Username must not contain invisible characters.";
  if (password === "") return "Password is required.";
  if (password.length > MAX_PASSWORD) return `Password must be at most ${String(MAX_PASSWORD)} characters.`;
  return undefined;
}
