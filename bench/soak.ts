// Sends the requests of eight hours within 15 minutes, and measures growth of memory and event loop lag.
// `npm run bench -- soak 60` takes one minute.
import { startDatabase } from "./database.ts";
import { pace, percentile, rate } from "./load.ts";
import { allCores, startBlog } from "./servers.ts";
import { get, login, writer } from "./visitors.ts";

const hours = 8;
/** A popular blog with 230,000 pages in eight hours. */
const perSecondThen = 8;
const seconds = Number(process.argv[3] ?? 900);
const perSecond = (perSecondThen * hours * 3600) / 900;
const sampleEvery = 5;

interface Sample {
  megabytes: number;
  heap: number;
  lag: number;
  handles: number;
}

const database = await startDatabase(1000);
const blog = await startBlog(database.mysql.config, allCores);
try {
  const write = await writer(blog.url);
  // Of 100 requests, one is a login and two write. A quarter of the others read an older page.
  const mix = (n: number) => {
    if (n % 100 === 0) return login(n / 100, n / 100);
    if (n % 50 === 1) return write(n);
    return get(n % 4 === 2 ? `/?before=${minutesAgo(n % 1000)}_1` : "/");
  };
  const samples: Sample[] = [];
  const sampling = setInterval(() => void sample().then((found) => samples.push(found)), sampleEvery * 1000);
  const answers = await pace(blog.url, perSecond, seconds, mix);
  const failures = answers.refusals + answers.errors;
  clearInterval(sampling);

  const parts = 6;
  const length = Math.floor(samples.length / parts);
  const rows = Array.from({ length: parts }, (_, part) => {
    const some = samples.slice(part * length, (part + 1) * length);
    const middle = (read: (sample: Sample) => number) =>
      some.map(read).sort((a, b) => a - b)[Math.floor(length / 2)] ?? NaN;
    return {
      minutes: `${((part * seconds) / parts / 60).toFixed(1)} to ${(((part + 1) * seconds) / parts / 60).toFixed(1)}`,
      memory: middle(({ megabytes }) => megabytes),
      heap: middle(({ heap }) => heap),
      lag: middle(({ lag }) => lag),
      handles: middle(({ handles }) => handles),
    };
  });
  console.log(
    `${String(answers.times.length)} answers, ${rate(answers).toFixed(0)} a second, ${String(failures)} failures, ` +
      `p50 ${percentile(answers, 0.5).toFixed(1)} ms, p99 ${percentile(answers, 0.99).toFixed(1)} ms`,
  );
  console.table(
    rows.map(({ minutes, memory, heap, lag, handles }) => ({
      minutes,
      "memory MB": memory.toFixed(0),
      "heap used MB": heap.toFixed(0),
      "event loop's lag p99 ms": lag.toFixed(1),
      "open handles": handles,
    })),
  );
  // Memory varies by some tens of MB. With a leak, it ends above the maximum of the first half.
  const grown = (read: (row: (typeof rows)[number]) => number) =>
    Math.max(...rows.slice(-1).map(read)) / Math.max(...rows.slice(0, parts / 2).map(read));
  const memory = grown((row) => row.memory);
  const lag = grown((row) => row.lag);
  const verdict = (isMet: boolean) => (isMet ? "met" : "missed");
  console.log(
    `In the last part, memory is ${memory.toFixed(2)} times its highest in the first half (aim: 1.1, ${verdict(memory <= 1.1)}),`,
  );
  console.log(`the event loop's lag ${lag.toFixed(2)} times (aim: 1.5, ${verdict(lag <= 1.5)}).`);
  // A blog that refuses requests would have too little load.
  console.log(`Answers other than expected: ${String(failures)} (aim: none, ${verdict(failures === 0)}).`);
} finally {
  await blog.stop();
  await database.remove();
}

/** The posts are a minute apart. */
function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19);
}

async function sample(): Promise<Sample> {
  const text = await (await fetch(blog.metricsUrl)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    megabytes: value("process_resident_memory_bytes") / 2 ** 20,
    heap: value("nodejs_heap_size_used_bytes") / 2 ** 20,
    lag: value("nodejs_eventloop_lag_p99_seconds") * 1000,
    handles: value("nodejs_active_resources_total"),
  };
}
