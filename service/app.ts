import Router from "@koa/router";
import Keygrip from "keygrip";
import Koa from "koa";
import type { Knex } from "knex";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { accessLog } from "./access-log.ts";
import { PasswordHasher } from "./auth/password-hasher.ts";
import { createAuthRouter } from "./auth/routes.ts";
import { sessions } from "./auth/session.ts";
import { loadUser } from "./auth/user.ts";
import type { Config } from "./config.ts";
import type { App, Context, Extension, State } from "./context.ts";
import { requireSameOrigin } from "./csrf.ts";
import { deadline } from "./deadline.ts";
import { errorPages } from "./error-pages.ts";
import { readForm } from "./form.ts";
import { healthz, readyz } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { createPostsRouter } from "./posts/routes.ts";
import { allowSecureCookies, noStore, securityHeaders } from "./security.ts";
import { serveStatic } from "./static.ts";
import { trustProxies } from "./trusted-proxies.ts";
import { addViews } from "./views.ts";

/** Below the 2 s within which a reader gets an answer, whatever the database does. */
const DEADLINE_MS = 1500;
/** Below 1 s, the usual timeout of a readiness probe. */
const READINESS_DEADLINE_MS = 900;

export interface Blog {
  app: App;
  metrics: Registry;
  /** From now on not ready, and each response closes its connection. */
  drain: () => void;
}

/** Assembles the blog. Opens nothing: neither a port nor a connection. */
export function createApp(config: Config, db: Knex, log: Logger): Blog {
  const app: App = new Koa<State, Extension>();
  const { registry, measureRequests } = createMetrics(db);
  let draining = false;

  app.keys = new Keygrip(config.SESSION_KEYS, "sha256");
  app.on("error", (err: unknown, ctx?: Context) => {
    // A reader who hangs up is no error of ours.
    const level = ctx?.socket.destroyed ? "debug" : "error";
    log[level]({ err, code: "RESPONSE_FAILED" }, "an answer could not be sent");
  });
  const renderPart = addViews(app);

  app.use(trustProxies(config.TRUSTED_PROXIES));
  app.use(measureRequests);
  app.use(accessLog(log));
  app.use(async function closeWhenDraining(ctx, next) {
    await next();
    if (draining) ctx.set("Connection", "close");
  });
  app.use(securityHeaders());
  app.use(noStore);
  app.use(errorPages());

  const bare = new Router<State, Extension>();
  bare.get("/healthz", healthz);
  bare.get(
    "/readyz",
    readyz(db, () => draining, READINESS_DEADLINE_MS),
  );
  bare.get("/static/:file", serveStatic);
  bare.get("/hello", (ctx) => {
    ctx.body = "Hello, World!";
  });
  app.use(bare.routes());
  app.use(bare.allowedMethods());

  if (config.COOKIE_SECURE) app.use(allowSecureCookies);
  app.use(requireSameOrigin);
  app.use(readForm);
  app.use(deadline(DEADLINE_MS));
  app.use(sessions(app, db, config.COOKIE_SECURE));
  app.use(loadUser(db));
  for (const router of [
    createAuthRouter(db, new PasswordHasher(), config.REGISTRATIONS_PER_HOUR),
    createPostsRouter(db, renderPart),
  ]) {
    app.use(router.routes());
    app.use(router.allowedMethods());
  }

  return {
    app,
    metrics: registry,
    drain() {
      draining = true;
    },
  };
}
