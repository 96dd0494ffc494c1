import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import type { Middleware } from "../context.ts";

const files = new Map(
  ["style.css", "favicon.svg"].map((name) => {
    const content = readFileSync(new URL(`../static/${name}`, import.meta.url));
    return [name, { content, etag: createHash("sha256").update(content).digest("base64url") }];
  }),
);

export const serveStatic: Middleware = function serveStatic(ctx) {
  const name = String(ctx.params.file);
  const file = files.get(name);
  if (file === undefined) return;
  ctx.status = 200;
  ctx.type = name;
  ctx.etag = file.etag;
  ctx.set("Cache-Control", "public, max-age=300");
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = file.content;
};
