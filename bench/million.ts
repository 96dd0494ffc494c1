// A blog of a million posts beside one without any, in turns: the first page, page 1,000, and writing.
import { addPosts, startDatabase } from "./database.ts";
import { leaveServerCore, otherCores, startBlog } from "./servers.ts";
import type { Server } from "./servers.ts";
import { load, merge, percentile } from "./load.ts";
import type { Answers } from "./load.ts";
import { get, writer } from "./visitors.ts";
import { formatCursor } from "../service/posts/cursor.ts";

const posts = 1_000_000;
const rounds = 5;
const seconds = 2;
const pageSize = 10;

leaveServerCore();
// Two, so that writing to the one does not fill the other.
const [empty, full] = await Promise.all([startDatabase(0, otherCores), startDatabase(0, otherCores)]);
const servers: Server[] = [];
try {
  for (let added = 0; added < posts; added += 100_000) await addPosts(full.db, 100_000);
  const emptyBlog = await startBlog(empty.mysql.config);
  servers.push(emptyBlog);
  const fullBlog = await startBlog(full.mysql.config);
  servers.push(fullBlog);
  // The last post of page 999.
  const last = (await full
    .db("post")
    .select("id", "created")
    .orderBy([
      { column: "created", order: "desc" },
      { column: "id", order: "desc" },
    ])
    .offset(999 * pageSize - 1)
    .first()) as { id: number; created: string };
  const page1000 = get(`/?before=${formatCursor(last)}`);
  const [writeEmpty, writeFull] = [await writer(emptyBlog.url), await writer(fullBlog.url)];

  // Writing comes last: then the empty blog has posts as well.
  await compare("the first page", () => get("/"), [["1,000,000 posts", () => get("/")]]);
  await compare("page 1,000", () => get("/"), [["1,000,000 posts", () => page1000]]);
  await compare("writing", writeEmpty, [["1,000,000 posts", writeFull]]);

  async function compare(
    what: string,
    inEmpty: (n: number) => ReturnType<typeof get>,
    [[name, inFull]]: [[string, (n: number) => ReturnType<typeof get>]],
  ): Promise<void> {
    const times: [Answers[], Answers[]] = [[], []];
    for (let round = -1; round < rounds; round += 1) {
      const one = await load({ url: emptyBlog.url, connections: 1, seconds, request: inEmpty });
      const other = await load({ url: fullBlog.url, connections: 1, seconds, request: inFull });
      if (round < 0) continue;
      times[0].push(one);
      times[1].push(other);
    }
    const [one, other] = [merge(times[0]), merge(times[1])];
    const row = (posts: string, answers: Answers) => ({
      [what]: posts,
      "p50 ms": percentile(answers, 0.5).toFixed(2),
      "p99 ms": percentile(answers, 0.99).toFixed(2),
      failures: answers.failures,
    });
    console.table([row("no post", one), row(name, other)]);
    const ratio = percentile(other, 0.5) / percentile(one, 0.5);
    console.log(`p50 is ${ratio.toFixed(2)} times that of an empty table (aim: 2, ${ratio <= 2 ? "met" : "missed"})\n`);
  }
} finally {
  for (const server of servers) await server.stop();
  await Promise.all([empty.remove(), full.remove()]);
}
