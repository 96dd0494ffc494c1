import Router from "@koa/router";
import type { Knex } from "knex";
import { requireLogin } from "../auth/user.ts";
import type { AppRouter, Context, Extension, State } from "../context.ts";
import { requireCsrfToken } from "../csrf.ts";
import { HttpError } from "../errors.ts";
import type { Render } from "../views.ts";
import { parseCursor } from "./cursor.ts";
import { limits, postProblem, readPost } from "./form.ts";
import type { PostForm } from "./form.ts";
import { postList } from "./list.ts";
import { findPost, listPosts } from "./posts.ts";
import type { Post } from "./posts.ts";
import { shareNext } from "./share-next.ts";
import { WriteQueue } from "./write-queue.ts";

/** The blog: its index, and writing, changing and deleting posts. */
export function createPostsRouter(db: Knex, render: Render): AppRouter {
  const router = new Router<State, Extension>();
  const writes = new WriteQueue();
  const firstPage = shareNext(() => listPosts(db));
  const list = postList(render);

  /** Shows the posts, newest first, ten a page. */
  router.get("/", async (ctx) => {
    const before = ctx.query.before;
    const page = await (before === undefined ? firstPage() : listPosts(db, parseCursor(String(before))));
    ctx.render("posts/index.html", {
      ...page,
      list: list(page.posts, ctx.state.user),
      isFirstPage: before === undefined,
    });
  });

  router.get("/create", requireLogin, (ctx) => {
    showForm(ctx, "create", { title: "", body: "" });
  });

  /** Creates a post of the current user. */
  router.post("/create", requireLogin, requireCsrfToken, async (ctx) => {
    const form = readPost(ctx);
    const error = postProblem(form);
    if (error !== undefined) {
      showForm(ctx, "create", form, { error });
      return;
    }
    await writes.create(() => db("post").insert({ ...form, author_id: ctx.state.user?.id }));
    ctx.redirect("/");
  });

  router.get("/:id/update", requireLogin, async (ctx) => {
    const post = await getPost(db, ctx);
    showForm(ctx, "update", post, { post });
  });

  /** Changes a post, if the current user is its author. */
  router.post("/:id/update", requireLogin, requireCsrfToken, async (ctx) => {
    const post = await getPost(db, ctx);
    const form = readPost(ctx);
    const error = postProblem(form);
    if (error !== undefined) {
      showForm(ctx, "update", form, { post, error });
      return;
    }
    await writes.change(post.id, () => db("post").where("id", post.id).update(form));
    ctx.redirect("/");
  });

  /** Deletes a post, if the current user is its author. */
  router.post("/:id/delete", requireLogin, requireCsrfToken, async (ctx) => {
    const post = await getPost(db, ctx);
    await writes.change(post.id, () => db("post").where("id", post.id).delete());
    ctx.redirect("/");
  });

  return router;
}

/**
 * The post that the URL names, for its author to change.
 *
 * @throws {HttpError} 404 if there is no such post, 403 if the current user is not its author
 */
async function getPost(db: Knex, ctx: Context): Promise<Post> {
  const id = String(ctx.params.id);
  const post = /^[1-9]\d{0,9}$/.test(id) ? await findPost(db, Number(id)) : undefined;
  if (post === undefined) throw new HttpError(404, "POST_NOT_FOUND", `Post id ${id} doesn't exist.`);
  if (post.author_id !== ctx.state.user?.id) {
    throw new HttpError(403, "NOT_THE_AUTHOR", "Only the author of a post can change it.");
  }
  return post;
}

interface FormLocals {
  post?: Post;
  error?: string;
}

function showForm(ctx: Context, view: "create" | "update", form: PostForm, locals: FormLocals = {}): void {
  ctx.render(`posts/${view}.html`, { form, ...limits, ...locals });
}
