import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

import nunjucks from "nunjucks";

import type { App, Context } from "./context.ts";
import { csrfToken, guestCsrfToken } from "./middleware/csrf.ts";

const directory = fileURLToPath(new URL("views", import.meta.url));

export function addViews(app: App): void {
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(directory), { autoescape: true });

  app.context.render = function render(this: Context, view: string, locals: object = {}) {
    this.type = "html";
    this.body = environment.render(view, {
      user: this.state.user,
      csrfToken: () => csrfToken(this),
      guestCsrfToken: () => guestCsrfToken(this),
      newFormId: randomUUID,
      ...locals,
    });
  };
}
