import { fileURLToPath } from "node:url";
import nunjucks from "nunjucks";
import type { App, Context } from "./context.ts";
import { csrfToken } from "./csrf.ts";

const directory = fileURLToPath(new URL("views", import.meta.url));

/** A template as text, from the given values alone: whoever passes the same may share it. */
export type Render = (view: string, locals: object) => string;

/** Gives the app's contexts `render`, and returns what renders a part of a page. */
export function addViews(app: App): Render {
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(directory), { autoescape: true });

  app.context.render = function render(this: Context, view: string, locals: object = {}) {
    this.type = "html";
    this.body = environment.render(view, { user: this.state.user, csrfToken: () => csrfToken(this), ...locals });
  };
  return (view, locals) => environment.render(view, locals);
}
