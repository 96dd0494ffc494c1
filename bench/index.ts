// Compares the index and the login of the blog with Flask and a bare Koa, all on the same core. The servers take turns
// of a few seconds, so other load on the machine affects all of them.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { startDatabase } from "./database.ts";
import { type Answers, load, merge, percentile, rate } from "./load.ts";
import {
  cpuSeconds,
  leaveServerCore,
  memory,
  otherCores,
  type Server,
  startBareKoa,
  startBlog,
  startFlask,
} from "./servers.ts";
import { get, login, type Request } from "./visitors.ts";

const rounds = 3;
/** Length of a turn. With 64 connections, some wait several seconds for a login. */
const seconds = { index: 3, logIn: 10 };
const connectionCounts = [1, 16, 64];

interface Measured {
  answers: Answers;
  cpu: number;
  megabytes: number;
}

leaveServerCore();
const database = await startDatabase(100, otherCores);
const servers: Server[] = [];
try {
  const blog = await startBlog(database.mysql.config);
  servers.push(blog);
  const flask = await startFlask(database.mysql.config);
  servers.push(flask);
  const bareKoa = await startBareKoa();
  servers.push(bareKoa);
  assert.ok((await text(blog)) === (await text(flask)), "The page of bench/flask differs from the blog's page.");

  for (const connections of connectionCounts) {
    const index = await inTurns([blog, flask, bareKoa], connections, seconds.index, () => [get("/")]);
    show(`The index, ${String(connections)} connections`, index);
    const ratioOfFlask = ratio(index, blog, flask);
    const ratioOfKoa = ratio(index, blog, bareKoa);
    console.log(
      `The blog: ${ratioOfFlask.toFixed(1)} times Flask (aim: 5, ${ratioOfFlask >= 5 ? "met" : "missed"}), ` +
        `${(ratioOfKoa * 100).toFixed(0)} % of bare Koa (aim: 20, ${ratioOfKoa >= 0.2 ? "met" : "missed"})\n`,
    );
    const logIn = await inTurns([blog, flask], connections, seconds.logIn, logins);
    show(`A login, ${String(connections)} connections`, logIn);
    console.log(`The blog: ${ratio(logIn, blog, flask).toFixed(1)} times Flask\n`);
  }
} finally {
  for (const server of servers) await server.stop();
  await database.remove();
}

/** The page without differences in whitespace. Jinja writes &#34; where nunjucks writes &quot;. */
async function text({ url }: Server): Promise<string> {
  const page = await (await fetch(url)).text();
  return page.replaceAll("&#34;", "&quot;").replace(/\s+/g, " ").trim();
}

/** From more addresses than a connection needs in a turn. The blog allows 100 logins of an address in five minutes. */
function logins(connection: number): Request[] {
  return Array.from({ length: 100 }, (_, n) => login(connection, connection * 100 + n));
}

async function inTurns(
  turns: Server[],
  connections: number,
  seconds: number,
  requests: (connection: number) => Request[],
): Promise<Map<Server, Measured>> {
  const runs = new Map<Server, Answers[]>(turns.map((server) => [server, []]));
  const cpu = new Map<Server, number>(turns.map((server) => [server, 0]));
  // Round -1 is a warm-up.
  for (let round = -1; round < rounds; round += 1) {
    for (const server of turns) {
      const before = cpuSeconds(server);
      const answers = await load({ url: server.url, connections, seconds, requests });
      const used = cpuSeconds(server) - before;
      await idle(server);
      if (round < 0) continue;
      runs.get(server)?.push(answers);
      cpu.set(server, (cpu.get(server) ?? 0) + used);
    }
  }
  return new Map(
    [...runs].map(([server, answers]) => [
      server,
      { answers: merge(answers), cpu: cpu.get(server) ?? 0, megabytes: memory(server) },
    ]),
  );
}

/** Waits for work whose clients have gone, which would slow down the next server's turn. */
async function idle(server: Server): Promise<void> {
  for (let before = -1; cpuSeconds(server) > before;) {
    before = cpuSeconds(server);
    await sleep(500);
  }
}

function show(title: string, measured: Map<Server, Measured>): void {
  console.log(title);
  console.table(
    [...measured].map(([{ name }, { answers, cpu, megabytes }]) => ({
      server: name,
      "answers/s": rate(answers).toFixed(0),
      "p50 ms": percentile(answers, 0.5).toFixed(2),
      "p99 ms": percentile(answers, 0.99).toFixed(2),
      refused: answers.refusals,
      errors: answers.errors,
      "CPU ms/answer": ((cpu * 1000) / answers.times.length).toFixed(3),
      "memory MB": megabytes.toFixed(0),
    })),
  );
}

function ratio(measured: Map<Server, Measured>, one: Server, other: Server): number {
  const [first, second] = [measured.get(one), measured.get(other)];
  return first && second ? rate(first.answers) / rate(second.answers) : NaN;
}
