import type Router from "@koa/router";
import type Koa from "koa";

import type { HttpError } from "./httpError.ts";

export interface User {
  id: number;
  username: string;
}

/** koa-session's session, with the blog's field. */
interface Session {
  userId?: number;
  /** Gives the session a new id. */
  regenerate(): Promise<void>;
  save(): Promise<void>;
}

export interface State {
  requestId: string;
  /** Null for a guest. Undefined before the query, which fails if the database is unavailable. */
  user?: User | null;
  /** For the access log. */
  error?: HttpError;
}

export interface ContextExtension {
  /** Set by the router. */
  params: Record<string, string>;
  /** The route's pattern, such as `/:id/update`, set by the router. */
  _matchedRoute?: string | RegExp;
  get session(): Session | null;
  set session(session: Session | { userId: number } | null);
  /** Renders a template as the response. */
  render(view: string, locals?: object): void;
}

export type App = Koa<State, ContextExtension>;
export type Context = Koa.ParameterizedContext<State, ContextExtension>;
export type Middleware = Koa.Middleware<State, ContextExtension>;
export type AppRouter = Router<State, ContextExtension>;
