// Measures the index with and without logins at the same time, in turns. The blog may use all cores.
import { startDatabase } from "./database.ts";
import { type Answers, merge, pace, percentile, rate } from "./load.ts";
import { allCores, startBlog } from "./servers.ts";
import { get, logins, send } from "./visitors.ts";

const rounds = 3;
const seconds = 10;
const readsPerSecond = 100;
const loginsPerSecond = 20;

const database = await startDatabase(100);
const blog = await startBlog(database.mysql.config, allCores);
try {
  const login = await logins(blog.url);
  const read = () => pace(readsPerSecond, seconds, () => send(blog.url, get("/")));
  const logIn = () => pace(loginsPerSecond, seconds, (n) => send(blog.url, login(n)));

  await read();
  const idle: Answers[] = [];
  const busy: Answers[] = [];
  const hashing: Answers[] = [];
  for (let round = 0; round < rounds; round += 1) {
    idle.push(await read());
    const [reads, done] = await Promise.all([read(), logIn()]);
    busy.push(reads);
    hashing.push(done);
  }

  const row = (name: string, answers: Answers) => ({
    "": name,
    "answers/s": rate(answers).toFixed(1),
    "p50 ms": percentile(answers, 0.5).toFixed(1),
    "p99 ms": percentile(answers, 0.99).toFixed(1),
    refused: answers.failures,
  });
  console.log(
    `The index, ${String(readsPerSecond)} times a second, without and with ${String(loginsPerSecond)} logins a second:`,
  );
  console.table([row("index", merge(idle)), row("index, with logins", merge(busy)), row("logins", merge(hashing))]);
  const ratio = percentile(merge(busy), 0.99) / percentile(merge(idle), 0.99);
  console.log(`p99 is ${ratio.toFixed(1)} times that without logins (aim: 2, ${ratio <= 2 ? "met" : "missed"})`);
} finally {
  await blog.stop();
  await database.remove();
}
