import { setTimeout as sleep } from "node:timers/promises";

import type { Knex } from "knex";

import type { AppRouter, Context, Middleware } from "../context.ts";
import { createRouter } from "../createRouter.ts";
import { networkOf } from "../middleware/clientAddress.ts";
import { requireCsrfToken, requireGuestCsrfToken } from "../middleware/csrf.ts";
import { field } from "../middleware/readForm.ts";
import { isDuplicate, submissionOf } from "../submissionOf.ts";
import { Attempts, canonicalName } from "./attempts.ts";
import type { PasswordHasher } from "./passwordHasher.ts";
import { isOutdated, unknownUserHash } from "./werkzeugHash.ts";

const MAX_USERNAME = 150;
const MAX_PASSWORD = 1024;
/** Minimum time of a refused login. Older hashes take a different time, which would reveal existing names. */
const REFUSAL_MS = 400;

interface UserRow {
  id: number;
  username: string;
  password: string;
  submission: string | null;
}

/** Registration, login and logout, under `/auth`. `registrationsPerHour` is a limit per client IP address. */
export function createAuthRouter(db: Knex, hasher: PasswordHasher, registrationsPerHour: number): AppRouter {
  const router = createRouter("/auth");
  const logins = new Attempts(db, { what: "login", attempts: 10, window: 5 * 60 });
  const registrations = new Attempts(db, { what: "registration", attempts: registrationsPerHour, window: 60 * 60 });

  router.get("/register", (ctx) => {
    showForm(ctx, "register");
  });
  router.get("/login", (ctx) => {
    showForm(ctx, "login");
  });

  router.post("/register", requireGuestCsrfToken, async (ctx) => {
    const username = normalizeUsername(field(ctx, "username"));
    const password = field(ctx, "password");
    const problem = registrationProblem(username, password);
    if (problem !== undefined) {
      showForm(ctx, "register", { username, error: problem });
      return;
    }
    hasher.requireRoom();
    // Attempts with existing names count too. That limits a search for names.
    const from = networkOf(ctx.ip);
    const wait = await registrations.count(from);
    if (wait > 0) {
      refuse(ctx, "register", username, wait);
      return;
    }
    const error = await takingBack(registrations, [from], register(username, password, submissionOf(ctx, username)));
    if (error === undefined) ctx.redirect("/auth/login");
    else showForm(ctx, "register", { username, error });
  });

  /** @returns an error message, or undefined */
  async function register(username: string, password: string, submission: string | null): Promise<string | undefined> {
    try {
      await db<UserRow>("user").insert({ username, password: await hasher.hash(password), submission });
      return undefined;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      if (submission !== null) {
        // The first request of a double click may have registered this user with this password.
        const row = await db<UserRow>("user").first("password").where({ username, submission });
        if (row !== undefined && (await hasher.verify(password, row.password))) return undefined;
      }
      return `User ${username} is already registered.`;
    }
  }

  router.post("/login", requireGuestCsrfToken, async (ctx) => {
    const username = field(ctx, "username");
    const password = field(ctx, "password");
    hasher.requireRoom();
    const who = [await canonicalName(db, normalizeUsername(username)), networkOf(ctx.ip)];
    const wait = await logins.count(...who);
    if (wait > 0) {
      refuse(ctx, "login", username, wait);
      return;
    }
    const refusal = sleep(REFUSAL_MS, undefined, { ref: false });
    const user = await takingBack(logins, who, authenticate(username, password));
    if (user === undefined || ctx.session === null) {
      await refusal;
      showForm(ctx, "login", { username, error: "Incorrect username or password." });
      return;
    }
    await logins.reset(...who);
    ctx.session.userId = user.id;
    // Against session fixation. An attacker may know the session id from before the login.
    await ctx.session.regenerate();
    ctx.redirect("/");
  });

  async function authenticate(username: string, password: string): Promise<Pick<UserRow, "id"> | undefined> {
    // Flask's blog stored names that are not normalized. Such a name must be typed as it is stored.
    const user = await db<UserRow>("user")
      .first("id", "password")
      .whereIn("username", [username, normalizeUsername(username)])
      .orderByRaw("username = ? DESC", [username]);
    // An unknown name takes as long as an existing one. Otherwise the time would reveal existing names.
    const isRight = await hasher.verify(password, user?.password ?? unknownUserHash);
    if (!isRight || user === undefined) return undefined;
    if (isOutdated(user.password)) {
      await db<UserRow>("user")
        .where({ id: user.id, password: user.password })
        .update({ password: await hasher.hash(password) });
    }
    return user;
  }

  /** Deletes the session's row, so a copy of the cookie is no longer accepted. */
  router.post("/logout", leadGuestsHome, requireCsrfToken, (ctx) => {
    ctx.session = null;
    ctx.redirect("/");
  });

  return router;
}

/**
 * Removes the spaces that phone keyboards add, and uses one Unicode form. "é" has two forms, which differ in a binary
 * collation.
 */
function normalizeUsername(text: string): string {
  return text.normalize("NFC").trim();
}

/** An error message, or undefined. `username` is normalized. Lengths are in UTF-16 units, as in HTML. */
function registrationProblem(username: string, password: string): string | undefined {
  if (username === "") return "Username is required.";
  if (username.length > MAX_USERNAME) return `Username must be at most ${String(MAX_USERNAME)} characters.`;
  // With an invisible character, a new name would look like an existing one.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(username)) return "Username must not contain invisible characters.";
  if (password === "") return "Password is required.";
  if (password.length > MAX_PASSWORD) return `Password must be at most ${String(MAX_PASSWORD)} characters.`;
  return undefined;
}

/** The second request of a double click on Log Out comes from a guest. */
const leadGuestsHome: Middleware = async function leadGuestsHome(ctx, next) {
  if (ctx.state.user) await next();
  else ctx.redirect("/");
};

/** An attempt that fails with an error, such as a 503, is not counted. */
async function takingBack<T>(attempts: Attempts, by: string[], attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    await attempts.takeBack(...by);
    throw error;
  }
}

/** @param wait in seconds */
function refuse(ctx: Context, form: "login" | "register", username: string, wait: number): void {
  ctx.status = 429;
  ctx.set("Retry-After", String(wait));
  showForm(ctx, form, { username, error: `Too many attempts. Please try again in ${String(wait)} seconds.` });
}

function showForm(ctx: Context, form: "login" | "register", locals: { username?: string; error?: string } = {}): void {
  ctx.render(`auth/${form}.html`, { ...locals, maxUsername: MAX_USERNAME, maxPassword: MAX_PASSWORD });
}
