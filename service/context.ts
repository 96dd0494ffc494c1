import type Router from "@koa/router";
import type Koa from "koa";

import type { HttpError } from "./httpError.ts";

export interface User {
  id: number;
  username: string;
}

/** koa-session has no types for its session. */
interface Session {
  userId?: number;
  /** The session's id and the cookie's value. It is a secret. */
  readonly externalKey: string;
  /** Gives the session a new id. */
  regenerate(): Promise<void>;
}

export interface State {
  requestId: string;
  form?: URLSearchParams;
  /** Null for a guest. Undefined before the query, which fails if the database is unavailable. */
  user?: User | null;
  /** The id in the guest cookie that this response sets. CSRF tokens are made from it. */
  guestId?: string;
  /** For the access log. */
  error?: HttpError;
}

export interface Extension {
  /** Set by the router. */
  params: Record<string, string>;
  /** The route's pattern, such as `/:id/update`, set by the router. */
  _matchedRoute?: string | RegExp;
  session: Session | null;
  /** koa-session's options for this request. */
  sessionOptions: { key: string };
  /** Renders a template as the response. */
  render(view: string, locals?: object): void;
}

export type App = Koa<State, Extension>;
export type Context = Koa.ParameterizedContext<State, Extension>;
export type Middleware = Koa.Middleware<State, Extension>;
export type AppRouter = Router<State, Extension>;
