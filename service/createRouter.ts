import { METHODS } from "node:http";

import Router from "@koa/router";

import type { AppRouter, Extension, State } from "./context.ts";

/** By default, @koa/router answers 501 to known HTTP methods such as PROPFIND. With `methods`, it answers 405. */
export function createRouter(prefix = ""): AppRouter {
  return new Router<State, Extension>({ prefix, methods: METHODS });
}
