// Compares a blog of a million posts with an empty blog, in turns. Measures the first page, page 1,000 and writing.
import { formatCursor } from "../service/posts/posts.ts";
import { addPosts, startDatabase } from "./database.ts";
import { type Answers, load, merge, percentile } from "./load.ts";
import { leaveServerCore, otherCores, type Server, startBlog } from "./servers.ts";
import { get, type Request, writer } from "./visitors.ts";

const posts = 1_000_000;
const rounds = 5;
const seconds = 2;
const pageSize = 10;

leaveServerCore();
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

  // Writing comes last, because it adds posts to the empty blog.
  await compare("the first page", get("/"), get("/"));
  await compare("page 1,000", get("/"), page1000);
  await compare("writing", writeEmpty(0), writeFull(0));

  async function compare(what: string, inEmpty: Request, inFull: Request): Promise<void> {
    const ofEmpty: Answers[] = [];
    const ofFull: Answers[] = [];
    // Round -1 is a warm-up.
    for (let round = -1; round < rounds; round += 1) {
      ofEmpty.push(await load({ url: emptyBlog.url, connections: 1, seconds, requests: () => [inEmpty] }));
      ofFull.push(await load({ url: fullBlog.url, connections: 1, seconds, requests: () => [inFull] }));
    }
    const [one, other] = [merge(ofEmpty.slice(1)), merge(ofFull.slice(1))];
    const row = (posts: string, answers: Answers) => ({
      [what]: posts,
      "p50 ms": percentile(answers, 0.5).toFixed(2),
      "p99 ms": percentile(answers, 0.99).toFixed(2),
      failures: answers.refusals + answers.errors,
    });
    console.table([row("no post", one), row("1,000,000 posts", other)]);
    const ratio = percentile(other, 0.5) / percentile(one, 0.5);
    console.log(`p50 is ${ratio.toFixed(2)} times that of an empty table (aim: 2, ${ratio <= 2 ? "met" : "missed"})\n`);
  }
} finally {
  for (const server of servers) await server.stop();
  await Promise.all([empty.remove(), full.remove()]);
}
