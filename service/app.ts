import { fileURLToPath } from "node:url";

import Router from "@koa/router";
import type { Knex } from "knex";
import Koa from "koa";
import nunjucks from "nunjucks";
import type { Logger } from "pino";
import type { Registry } from "prom-client";

import { createAuthRouter } from "./auth/createAuthRouter.ts";
import { loadUser } from "./auth/currentUser.ts";
import { sessions } from "./auth/sessions.ts";
import type { App, Context, ContextExtension, State } from "./context.ts";
import type { Environment } from "./environment.ts";
import { errorFields } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { accessLog } from "./middleware/accessLog.ts";
import { clientAddress } from "./middleware/clientAddress.ts";
import { errorPages } from "./middleware/errorPages.ts";
import { healthz, readyz } from "./middleware/health.ts";
import { readForm } from "./middleware/readForm.ts";
import { requireSameOrigin } from "./middleware/requireSameOrigin.ts";
import { allowSecureCookies, revalidate, securityHeaders } from "./middleware/securityHeaders.ts";
import { serveStatic } from "./middleware/serveStatic.ts";
import { createPostsRouter } from "./posts/createPostsRouter.ts";
import { submittedPost } from "./posts/postForm.ts";

const views = fileURLToPath(new URL("views", import.meta.url));

export interface BlogApp {
  app: App;
  metrics: Registry;
  /** Makes `/readyz` fail, and closes each keep-alive connection with its next response. */
  drain: () => void;
}

/** Assembles the blog, without opening a port or a connection. */
export function createApp(environment: Environment, db: Knex, log: Logger): BlogApp {
  const app: App = new Koa<State, ContextExtension>();
  const { registry, measureRequests } = createMetrics(db);
  const templates = new nunjucks.Environment(
    new nunjucks.FileSystemLoader(views, { noCache: process.env.NODE_ENV !== "production" }),
    { autoescape: true },
  );
  let draining = false;

  // Only the last entries of X-Forwarded-For come from trusted proxies. Clients can forge the others.
  app.proxy = environment.TRUSTED_PROXIES > 0;
  app.maxIpsCount = environment.TRUSTED_PROXIES;
  app.on("error", (error: unknown, ctx?: Context) => {
    // A client that closes its connection is not an error.
    const level = ctx?.socket.destroyed ? "debug" : "error";
    log[level]({ error: errorFields(error, "RESPONSE_FAILED") }, "response could not be sent");
  });
  app.context.render = function render(this: Context, view: string, locals: object = {}) {
    this.type = "html";
    this.body = templates.render(view, { user: this.state.user, ...locals });
  };

  app.use(clientAddress);
  app.use(measureRequests);
  app.use(accessLog(log));
  app.use(async function closeWhenDraining(ctx, next) {
    await next();
    if (draining) ctx.set("Connection", "close");
  });
  app.use(securityHeaders);
  app.use(revalidate);
  app.use(errorPages(submittedPost));

  const withoutSession = new Router<State, ContextExtension>();
  withoutSession.get("/healthz", healthz);
  withoutSession.get(
    "/readyz",
    readyz(db, () => draining),
  );
  withoutSession.get("/static/:file", serveStatic);
  withoutSession.get("/hello", (ctx) => {
    ctx.body = "Hello, World!";
  });
  app.use(withoutSession.routes());
  app.use(withoutSession.allowedMethods());

  if (environment.COOKIE_SECURE) app.use(allowSecureCookies);
  app.use(readForm);
  app.use(requireSameOrigin(environment.ORIGIN));
  app.use(sessions(app, db, environment));
  app.use(loadUser(db));
  for (const router of [createAuthRouter(db, log, environment), createPostsRouter(db)]) {
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
