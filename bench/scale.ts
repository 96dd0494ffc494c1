// Measures the throughput of 1, 2 and 6 replicas that share one MySQL and all cores. Compares the connections of 20
// replicas with MySQL's limit.
import { docker } from "../tests/service/docker.ts";
import { type Database, startDatabase } from "./database.ts";
import { load, merge, percentile, rate } from "./load.ts";
import { allCores, cpuSeconds, memory, type Server, startBlog } from "./servers.ts";
import { get } from "./visitors.ts";

const seconds = 10;
const connections = 96;

const database = await startDatabase(100);
const replicas: Server[] = [];
try {
  const mysqlPid = Number(await docker("inspect", "--format", "{{.State.Pid}}", database.mysql.container));
  const rows = [];
  for (const count of [1, 2, 6]) {
    await grow(count);
    await together(2);
    const before = cpu(mysqlPid);
    const answers = await together(seconds);
    const spent = cpu(mysqlPid).map((value, part) => value - (before[part] ?? 0));
    const [blogs = 0, mysql = 0, generator = 0] = spent.map((value) => value / seconds);
    rows.push({
      replicas: count,
      "answers/s": rate(answers).toFixed(0),
      "p50 ms": percentile(answers, 0.5).toFixed(1),
      "p99 ms": percentile(answers, 0.99).toFixed(1),
      failures: answers.failures,
      "cores: blogs": blogs.toFixed(2),
      "cores: MySQL": mysql.toFixed(2),
      "cores: this load": generator.toFixed(2),
      "MB a blog": (replicas.reduce((sum, replica) => sum + memory(replica), 0) / count).toFixed(0),
    });
  }
  console.log(`The index over ${String(connections)} connections, all on the cores ${allCores}:`);
  console.table(rows);

  await grow(20);
  const answers = await together(seconds, get(`/?before=${new Date().toISOString().slice(0, 19)}_1`));
  const [used, limit] = [
    await status(database, "STATUS", "Max_used_connections"),
    await status(database, "VARIABLES", "max_connections"),
  ];
  console.log(
    `20 replicas: ${rate(answers).toFixed(0)} answers/s, ${String(answers.failures)} failures. ` +
      `Connections to MySQL: ${String(used)} at most, of ${String(limit)} (${used < limit ? "met" : "missed"})`,
  );
} finally {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await database.remove();
}

async function grow(count: number): Promise<void> {
  while (replicas.length < count) replicas.push(await startBlog(database.mysql.config, allCores));
}

/** Spreads the load evenly, like a Kubernetes Service. */
async function together(duration: number, request = get("/")) {
  const each = Math.ceil(connections / replicas.length);
  const runs = await Promise.all(
    replicas.map(({ url }) => load({ url, connections: each, seconds: duration, request: () => request })),
  );
  return { ...merge(runs), seconds: duration };
}

/** CPU seconds of the blogs, of MySQL and of this process. */
function cpu(mysqlPid: number): number[] {
  const { user, system } = process.cpuUsage();
  const blogs = replicas.reduce((sum, replica) => sum + cpuSeconds(replica), 0);
  return [blogs, cpuSeconds({ pid: mysqlPid }), (user + system) / 1e6];
}

async function status({ mysql }: Database, kind: "STATUS" | "VARIABLES", name: string): Promise<number> {
  return Number((await mysql.root(`SHOW GLOBAL ${kind} LIKE '${name}'`)).split("\t")[1]);
}
