import Router from "@koa/router";
import type { Knex } from "knex";
import type { AppRouter, Context, Extension, State } from "../context.ts";
import { requireCsrfToken } from "../csrf.ts";
import { field } from "../form.ts";
import { LoginAttempts } from "./attempts.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { requireLogin } from "./user.ts";
import { MAX_PASSWORD, MAX_USERNAME, registrationProblem } from "./validation.ts";
import { isOutdated, unknownUserHash } from "./werkzeug-hash.ts";

interface UserRow {
  id: number;
  username: string;
  password: string;
}

/** Registering, logging in and logging out, under `/auth`. */
export function createAuthRouter(db: Knex, hasher: PasswordHasher): AppRouter {
  const router = new Router<State, Extension>({ prefix: "/auth" });
  const attempts = new LoginAttempts();

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
    const error = registrationProblem(username, password) ?? (await register(username, password));
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
    const wait = attempts.count(username, ctx.ip);
    if (wait > 0) {
      ctx.status = 429;
      ctx.set("Retry-After", String(wait));
      showForm(ctx, "login", { username, error: `Too many attempts. Please try again in ${String(wait)} seconds.` });
      return;
    }
    const user = await authenticate(username, password);
    if (user === undefined || ctx.session === null) {
      showForm(ctx, "login", { username, error: "Incorrect username or password." });
      return;
    }
    attempts.reset(username, ctx.ip);
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

function showForm(ctx: Context, form: "login" | "register", locals: { username?: string; error?: string } = {}): void {
  ctx.render(`auth/${form}.html`, { ...locals, maxUsername: MAX_USERNAME, maxPassword: MAX_PASSWORD });
}
