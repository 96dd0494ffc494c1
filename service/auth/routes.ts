import { setTimeout as sleep } from "node:timers/promises";
import Router from "@koa/router";
import type { Knex } from "knex";
import type { AppRouter, Context, Extension, State } from "../context.ts";
import { requireCsrfToken } from "../csrf.ts";
import { field } from "../form.ts";
import { Attempts, canonicalName, network } from "./attempts.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { requireLogin } from "./user.ts";
import { MAX_PASSWORD, MAX_USERNAME, registrationProblem } from "./validation.ts";
import { isOutdated, unknownUserHash } from "./werkzeug-hash.ts";

/**
 * No wrong log-in is answered sooner: hashes of another kind than today's take another time, which would tell that there is
 * such a name.
 */
const REFUSAL_MS = 400;

interface UserRow {
  id: number;
  username: string;
  password: string;
}

/**
 * Registering, logging in and logging out, under `/auth`.
 *
 * @param registrationsPerHour from one address
 */
export function createAuthRouter(db: Knex, hasher: PasswordHasher, registrationsPerHour: number): AppRouter {
  const router = new Router<State, Extension>({ prefix: "/auth" });
  const logins = new Attempts(db, { what: "login", attempts: 10, window: 5 * 60 });
  const registrations = new Attempts(db, { what: "registration", attempts: registrationsPerHour, window: 60 * 60 });

  router.get("/register", (ctx) => {
    showForm(ctx, "register");
  });
  router.get("/login", (ctx) => {
    showForm(ctx, "login");
  });

  /** Registers a new user. */
  router.post("/register", requireCsrfToken, async (ctx) => {
    const username = field(ctx, "username");
    const password = field(ctx, "password");
    const problem = registrationProblem(username, password);
    if (problem !== undefined) {
      showForm(ctx, "register", { username, error: problem });
      return;
    }
    hasher.requireRoom();
    // A name that is taken counts as well: who tries names must not be told of many.
    const from = network(ctx.ip);
    const wait = await registrations.count(from);
    if (wait > 0) {
      refuse(ctx, "register", username, wait);
      return;
    }
    const error = await takingBack(registrations, [from], register(username, password));
    if (error === undefined) ctx.redirect("/auth/login");
    else showForm(ctx, "register", { username, error });
  });

  async function register(username: string, password: string): Promise<string | undefined> {
    try {
      await db<UserRow>("user").insert({ username, password: await hasher.hash(password) });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ER_DUP_ENTRY") throw error;
      return `User ${username} is already registered.`;
    }
  }

  /** Logs in a registered user, in a new session. */
  router.post("/login", requireCsrfToken, async (ctx) => {
    const username = field(ctx, "username");
    const password = field(ctx, "password");
    hasher.requireRoom();
    const who = [await canonicalName(db, username), network(ctx.ip)];
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
    // A session id from before the log-in may be known to somebody else.
    await ctx.session.regenerate();
    ctx.redirect("/");
  });

  async function authenticate(username: string, password: string): Promise<UserRow | undefined> {
    const user = await db<UserRow>("user").first("id", "password").where("username", username);
    // An unknown name takes as long as a known one, or the time would tell them apart.
    const isRight = await hasher.verify(password, user?.password ?? unknownUserHash);
    if (!isRight || user === undefined) return undefined;
    if (isOutdated(user.password)) await replaceHash(user, password);
    return user as UserRow;
  }

  async function replaceHash(user: Pick<UserRow, "id" | "password">, password: string): Promise<void> {
    await db<UserRow>("user")
      .where({ id: user.id, password: user.password })
      .update({ password: await hasher.hash(password) });
  }

  /** Logs out: the session's row goes, so a copied cookie is worth nothing. */
  router.post("/logout", requireLogin, requireCsrfToken, (ctx) => {
    ctx.session = null;
    ctx.redirect("/");
  });

  return router;
}

/** What an attempt comes to. One that fails is taken back: who is told 503 has learnt nothing, and may send it again. */
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
