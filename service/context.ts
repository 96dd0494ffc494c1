import type Koa from "koa";
import type Router from "@koa/router";
import type { Logger } from "pino";
import type { HttpError } from "./errors.ts";

export interface User {
  id: number;
  username: string;
}

/** What koa-session puts on the context; it publishes no types for it. */
export interface Session {
  userId?: number;
  /** The session's id: the cookie's value, and so a secret. */
  readonly externalKey: string;
  /** Gives the session a new id. */
  regenerate(): Promise<void>;
}

export interface State {
  requestId: string;
  log: Logger;
  /** Null for a guest, undefined as long as nobody knows: the database may be down. */
  user?: User | null;
  /** What the error page was shown for; for the log. */
  error?: HttpError;
}

export interface Extension {
  /** Set by the router. */
  params: Record<string, string>;
  /** Set by the router: the pattern of the route, such as `/:id/update`. */
  _matchedRoute?: string | RegExp;
  session: Session | null;
  /** Answers with a template, as HTML. */
  render(view: string, locals?: object): void;
}

export type App = Koa<State, Extension>;
export type Context = Koa.ParameterizedContext<State, Extension>;
export type Middleware = Koa.Middleware<State, Extension>;
export type AppRouter = Router<State, Extension>;
