import type { User } from "../context.ts";
import type { Render } from "../views.ts";
import type { Post } from "./posts.ts";

/**
 * Posts as HTML, with a link to edit those of the given user. Guests who are shown the very same reading of posts share its
 * HTML as well: the template gets those posts and nobody, so it can hold nothing of the guest that it was made for.
 */
export function postList(render: Render): (posts: Post[], user?: User | null) => string {
  const forGuests = new WeakMap<Post[], string>();

  return (posts, user) => {
    if (user) return render("posts/list.html", { posts, user });
    let html = forGuests.get(posts);
    if (html === undefined) {
      html = render("posts/list.html", { posts });
      forGuests.set(posts, html);
    }
    return html;
  };
}
