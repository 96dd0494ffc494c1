import Keygrip from "keygrip";
import Koa from "koa";
import type { Logger } from "pino";
import type { Registry } from "prom-client";

import type { Pools } from "../db/knexConfig.ts";
import { errorFields } from "../db/log.ts";
import { addViews } from "./addViews.ts";
import { createAuthRouter } from "./auth/createAuthRouter.ts";
import { loadUser } from "./auth/loadUser.ts";
import { PasswordHasher } from "./auth/passwordHasher.ts";
import { sessions } from "./auth/sessions.ts";
import type { App, Context, Extension, State } from "./context.ts";
import { createRouter } from "./createRouter.ts";
import type { Environment } from "./environment.ts";
import { createMetrics } from "./metrics.ts";
import { accessLog } from "./middleware/accessLog.ts";
import { clientAddress } from "./middleware/clientAddress.ts";
import { requireSameOrigin } from "./middleware/csrf.ts";
import { withDeadline } from "./middleware/deadline.ts";
import { errorPages } from "./middleware/errorPages.ts";
import { healthz, readyz } from "./middleware/health.ts";
import { readForm } from "./middleware/readForm.ts";
import { allowSecureCookies, noStore, securityHeaders } from "./middleware/securityHeaders.ts";
import { serveStatic } from "./middleware/serveStatic.ts";
import { createPostsRouter } from "./posts/createPostsRouter.ts";

/** For all steps of a request together. Readers get an answer within 2 s, even with a slow database. */
const DEADLINE_MS = 1500;
/** Below 1 s, the default timeout of a Kubernetes probe. */
const READINESS_DEADLINE_MS = 900;

export interface Blog {
  app: App;
  metrics: Registry;
  /** Makes `/readyz` fail, and closes each keep-alive connection with its next response. */
  drain: () => void;
}

/** Assembles the blog, without opening a port or a connection. */
export function createApp(environment: Environment, pools: Pools, log: Logger): Blog {
  const app: App = new Koa<State, Extension>();
  const { registry, measureRequests } = createMetrics(pools);
  const { db } = pools;
  let draining = false;

  // Only the last entries of X-Forwarded-For come from trusted proxies. Clients can forge the others.
  app.proxy = environment.TRUSTED_PROXIES > 0;
  app.maxIpsCount = environment.TRUSTED_PROXIES;
  app.keys = new Keygrip(environment.SESSION_KEYS, "sha256");
  app.on("error", (error: unknown, ctx?: Context) => {
    // A client that closes its connection is not an error.
    const level = ctx?.socket.destroyed ? "debug" : "error";
    log[level]({ error: errorFields(error, "RESPONSE_FAILED") }, "response could not be sent");
  });
  addViews(app);

  app.use(clientAddress);
  app.use(measureRequests);
  app.use(accessLog(log));
  app.use(async function closeWhenDraining(ctx, next) {
    await next();
    if (draining) ctx.set("Connection", "close");
  });
  app.use(securityHeaders);
  app.use(noStore);
  app.use(errorPages);

  const bare = createRouter();
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

  if (environment.COOKIE_SECURE) app.use(allowSecureCookies);
  app.use(requireSameOrigin);
  app.use(readForm);
  app.use(async function deadline(_ctx, next) {
    await withDeadline(DEADLINE_MS, next());
  });
  app.use(sessions(app, db, environment.COOKIE_SECURE));
  app.use(loadUser(db));
  for (const router of [
    createAuthRouter(db, new PasswordHasher(), environment.REGISTRATIONS_PER_HOUR),
    createPostsRouter(pools),
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
