import Router from "@koa/router";
import type { Knex } from "knex";
import type { Logger } from "pino";

import { isDuplicate } from "../../db/errors.ts";
import type { AppRouter, ContextExtension, State } from "../context.ts";
import type { Environment } from "../environment.ts";
import { errorFields } from "../log.ts";
import { field } from "../middleware/readForm.ts";
import { normalizeUsername, registrationError, showForm, showTooManyAttempts } from "./authForm.ts";
import { networkOf, RateLimit } from "./rateLimits.ts";
import { hashPassword, isOutdated, unknownUserHash, verifyPassword } from "./werkzeugHash.ts";

interface UserRow {
  id: number;
  username: string;
  password: string;
}

/** Registration, login and logout, under `/auth`. */
export function createAuthRouter(db: Knex, log: Logger, environment: Environment): AppRouter {
  const router = new Router<State, ContextExtension>({ prefix: "/auth" });
  const limit = (name: string, attempts: number, seconds: number) =>
    new RateLimit(db, environment.MYSQL_DATABASE, name, attempts, seconds);
  const loginsOfUser = limit("login", 10, 5 * 60);
  // Behind a NodePort, many readers share one address.
  const loginsOfAddress = limit("login-address", 100, 5 * 60);
  const registrations = limit("registration", environment.REGISTRATIONS_PER_HOUR, 60 * 60);

  router.get("/register", (ctx) => {
    showForm(ctx, "register");
  });

  router.post("/register", async (ctx) => {
    const username = normalizeUsername(field(ctx, "username"));
    const password = field(ctx, "password");
    const error = registrationError(username, password);
    if (error !== undefined) {
      showForm(ctx, "register", { username, error });
      return;
    }
    // Attempts with existing names count too. That limits a search for names.
    const wait = await registrations.consume(networkOf(ctx.ip));
    if (wait > 0) {
      showTooManyAttempts(ctx, "register", username, wait);
      return;
    }
    try {
      await db<UserRow>("user").insert({ username, password: await hashPassword(password) });
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      showForm(ctx, "register", { username, error: `User ${username} is already registered.` });
      return;
    }
    ctx.redirect("/auth/login");
  });

  router.get("/login", (ctx) => {
    showForm(ctx, "login");
  });

  router.post("/login", async (ctx) => {
    const username = field(ctx, "username");
    const address = networkOf(ctx.ip);
    const name = normalizeUsername(username).toLowerCase();
    const wait = (await loginsOfAddress.consume(address)) || (await loginsOfUser.consume(name, address));
    if (wait > 0) {
      showTooManyAttempts(ctx, "login", username, wait);
      return;
    }
    const user = await authenticate(username, field(ctx, "password"));
    if (user === undefined) {
      showForm(ctx, "login", { username, error: "Incorrect username or password." });
      return;
    }
    await loginsOfUser.reset(name, address);
    ctx.session = { userId: user.id };
    // Against session fixation. An attacker may know the session id from before the login.
    await ctx.session?.regenerate();
    ctx.redirect("/");
  });

  async function authenticate(username: string, password: string): Promise<UserRow | undefined> {
    // Flask's blog stored names that are not normalized. Such a name must be typed as it is stored.
    const user = await db<UserRow>("user")
      .first()
      .whereIn("username", [username, normalizeUsername(username)])
      .orderByRaw("username = ? DESC", [username]);
    // An unknown name takes as long as an existing one. Otherwise the time would reveal existing names.
    const isRight = await verifyPassword(password, user?.password ?? unknownUserHash);
    if (!isRight || user === undefined) return undefined;
    if (isOutdated(user.password)) await replaceHash(user, password);
    return user;
  }

  /** The login succeeds without a new hash, too. */
  async function replaceHash({ id, password: outdated }: UserRow, password: string): Promise<void> {
    try {
      await db<UserRow>("user")
        .where({ id, password: outdated })
        .update({ password: await hashPassword(password) });
    } catch (error) {
      log.warn({ error: errorFields(error, "REHASH") }, "outdated password hash could not be replaced");
    }
  }

  /** Deletes the session's row, so a copy of the cookie is no longer accepted. */
  router.post("/logout", (ctx) => {
    ctx.session = null;
    ctx.redirect("/");
  });

  return router;
}
