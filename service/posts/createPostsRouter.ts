import { randomUUID } from "node:crypto";

import Router from "@koa/router";
import type { Knex } from "knex";

import { isDuplicate } from "../../db/errors.ts";
import { requireLogin } from "../auth/currentUser.ts";
import type { AppRouter, Context, ContextExtension, State } from "../context.ts";
import { HttpError, statusError } from "../httpError.ts";
import { coalesce } from "./coalesce.ts";
import { fieldLimits, type PostForm, readPost, submissionKey, validationError } from "./postForm.ts";
import { findPost, listPosts, parseCursor, type Post } from "./posts.ts";

/** The index, and reading, creating, updating and deleting posts. */
export function createPostsRouter(db: Knex): AppRouter {
  const router = new Router<State, ContextExtension>();
  const firstPage = coalesce(() => listPosts(db));

  router.get("/", async (ctx) => {
    const { before } = ctx.query;
    const isFirstPage = before === undefined;
    const page = await (isFirstPage ? firstPage() : listPosts(db, parseCursor(String(before))));
    ctx.render("posts/index.html", { ...page, isFirstPage });
  });

  router.get("/create", requireLogin, (ctx) => {
    showForm(ctx, "create", { title: "", body: "" });
  });

  router.post("/create", requireLogin, async (ctx) => {
    const form = readPost(ctx);
    const error = validationError(form);
    if (error !== undefined) {
      showForm(ctx, "create", form, { error });
      return;
    }
    try {
      const submission = submissionKey(ctx, form);
      await db("post").insert({ ...form, author_id: ctx.state.user?.id, submission });
    } catch (error) {
      // The first request of a double click has created the post.
      if (!isDuplicate(error)) throw error;
    }
    ctx.redirect("/");
  });

  router.get("/:id", async (ctx) => {
    ctx.render("posts/post.html", { post: await getPost(db, ctx, { checkAuthor: false }) });
  });

  router.get("/:id/update", requireLogin, async (ctx) => {
    const post = await getPost(db, ctx);
    showForm(ctx, "update", post, { post });
  });

  router.post("/:id/update", requireLogin, async (ctx) => {
    const post = await getPost(db, ctx);
    const form = readPost(ctx);
    const error = validationError(form);
    if (error !== undefined) {
      showForm(ctx, "update", form, { post, error });
      return;
    }
    await db("post").where("id", post.id).update(form);
    ctx.redirect("/");
  });

  router.post("/:id/delete", requireLogin, async (ctx) => {
    const { id } = await getPost(db, ctx);
    await db("post").where("id", id).delete();
    ctx.redirect("/");
  });

  return router;
}

/** The post with the id in the URL. @throws {HttpError} 404 if it does not exist, 403 if another user wrote it */
async function getPost(db: Knex, ctx: Context, { checkAuthor } = { checkAuthor: true }): Promise<Post> {
  const id = String(ctx.params.id);
  if (!/^(0|[1-9]\d{0,9})$/.test(id)) throw statusError(404);
  const post = await findPost(db, Number(id));
  if (post === undefined) throw new HttpError(404, "POST_NOT_FOUND", `Post id ${id} doesn't exist.`);
  if (checkAuthor && post.author_id !== ctx.state.user?.id) {
    throw new HttpError(403, "NOT_THE_AUTHOR", "Only the author of a post can change it.");
  }
  return post;
}

function showForm(
  ctx: Context,
  view: "create" | "update",
  form: PostForm,
  locals: { post?: Post; error?: string } = {},
): void {
  const id = view === "create" ? randomUUID() : undefined;
  ctx.render(`posts/${view}.html`, { ...locals, form: { ...form, id, ...fieldLimits } });
}
