import type { Knex } from "knex";

import type { Pools } from "../../db/knexConfig.ts";
import { requireLogin } from "../auth/loadUser.ts";
import type { AppRouter, Context } from "../context.ts";
import { createRouter } from "../createRouter.ts";
import { HttpError } from "../httpError.ts";
import { keysOf, requireCsrfToken } from "../middleware/csrf.ts";
import { optionalField } from "../middleware/readForm.ts";
import { isDuplicate, submissionOf } from "../submissionOf.ts";
import { limits, type PostForm, postProblem, readPost } from "./postForm.ts";
import { findPost, listPosts, parseCursor, type Post } from "./posts.ts";
import { sharedReading } from "./sharedReading.ts";

/** The index, and creating, updating and deleting posts. */
export function createPostsRouter({ db, inserts, changes }: Pools): AppRouter {
  const router = createRouter();
  const firstPage = sharedReading(() => listPosts(db));

  router.get("/", async (ctx) => {
    const before = ctx.query.before;
    const isFirstPage = before === undefined;
    const page = await (isFirstPage ? firstPage() : listPosts(db, parseCursor(String(before))));
    ctx.render("posts/index.html", { ...page, isFirstPage });
  });

  router.get("/create", requireLogin, (ctx) => {
    showForm(ctx, "create", { title: "", body: "" });
  });

  router.post("/create", requireLogin, requireCsrfToken, async (ctx) => {
    const form = readPost(ctx);
    const error = postProblem(form);
    if (error !== undefined) {
      showForm(ctx, "create", form, { error });
      return;
    }
    const author_id = ctx.state.user?.id;
    const submission = submissionOf(ctx, String(author_id), form.title, form.body);
    try {
      await inserts("post").insert({ ...form, author_id, submission });
    } catch (error) {
      // The first request of a double click has created the post.
      if (!isDuplicate(error)) throw error;
    }
    ctx.redirect("/");
  });

  router.get("/:id/update", requireLogin, async (ctx) => {
    const post = await getPost(db, ctx);
    showForm(ctx, "update", post, { post });
  });

  router.post("/:id/update", requireLogin, requireCsrfToken, async (ctx) => {
    const post = await getPost(db, ctx);
    const form = readPost(ctx);
    const error = postProblem(form);
    if (error !== undefined) {
      showForm(ctx, "update", form, { post, error });
      return;
    }
    await changes("post").where("id", post.id).update(form);
    ctx.redirect("/");
  });

  router.post("/:id/delete", requireLogin, requireCsrfToken, async (ctx) => {
    const post = await getPost(db, ctx).catch((error: unknown) => {
      // The first request of a double click has deleted the post.
      if (error instanceof HttpError && error.status === 404 && hasAuthorToken(ctx)) return undefined;
      throw error;
    });
    if (post) await changes("post").where("id", post.id).delete();
    ctx.redirect("/");
  });

  return router;
}

/** The post with the id in the URL. @throws {HttpError} 404 if it does not exist, 403 if another user wrote it */
async function getPost(db: Knex, ctx: Context): Promise<Post> {
  const id = String(ctx.params.id);
  const post = /^[1-9]\d{0,9}$/.test(id) ? await findPost(db, Number(id)) : undefined;
  if (post === undefined) throw new HttpError(404, "POST_NOT_FOUND", `Post id ${id} doesn't exist.`);
  if (post.author_id !== ctx.state.user?.id) {
    throw new HttpError(403, "NOT_THE_AUTHOR", "Only the author of a post can change it.");
  }
  return post;
}

/** The second request of a double click on Delete finds no post. This token proves that the user was its author. */
function authorToken(ctx: Context, postId: number): string {
  return keysOf(ctx).sign(authorOf(ctx, postId));
}

function hasAuthorToken(ctx: Context): boolean {
  return keysOf(ctx).verify(authorOf(ctx, Number(ctx.params.id)), optionalField(ctx, "author") ?? "");
}

function authorOf(ctx: Context, postId: number): string {
  return `author:${String(ctx.state.user?.id)}:${String(postId)}`;
}

function showForm(
  ctx: Context,
  view: "create" | "update",
  form: PostForm,
  { post, error }: { post?: Post; error?: string } = {},
): void {
  ctx.render(`posts/${view}.html`, { form, post, error, authorToken: post && authorToken(ctx, post.id), ...limits });
}
