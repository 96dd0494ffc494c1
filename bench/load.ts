import { setTimeout as sleep } from "node:timers/promises";
import autocannon from "autocannon";
import { get } from "./visitors.ts";
import type { Request } from "./visitors.ts";

export interface LoadOptions {
  url: string;
  /** Each sends its next request when it has the answer to the last one. */
  connections: number;
  seconds: number;
  /** What a connection sends, by its number. Defaults to a GET. */
  request?: (connection: number) => Request;
}

/** What came back. */
export interface Answers {
  seconds: number;
  /** Milliseconds that each answer took that is the expected one. */
  times: number[];
  /** Other answers, and requests without one. */
  failures: number;
}

/** As many requests as the server answers. */
export async function load({ url, connections, seconds, request = () => get("/") }: LoadOptions): Promise<Answers> {
  const answers: Answers = { seconds, times: [], failures: 0 };
  const { expected } = request(0);
  let connection = 0;
  const options: autocannon.Options = {
    url,
    connections,
    duration: seconds,
    // Its own statistics are in whole milliseconds.
    skipAggregateResult: true,
    setupClient(client) {
      const { method, path, headers, body } = request(connection);
      // In the plural: `setRequest` changes the first request only, and what follows is a GET of the URL.
      client.setRequests([{ method, path, headers, body }]);
      connection += 1;
    },
  };
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(options, (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
    run.on("response", (_client, status, _bytes, ms) => {
      if (status === expected) answers.times.push(ms);
      else answers.failures += 1;
    });
    run.on("reqError", () => {
      answers.failures += 1;
    });
  });
  return answers;
}

/**
 * Requests at a steady pace, whether or not the answers keep up.
 *
 * @param send resolves to whether the answer is the expected one
 */
export async function pace(
  perSecond: number,
  seconds: number,
  send: (n: number) => Promise<boolean>,
): Promise<Answers> {
  const answers: Answers = { seconds, times: [], failures: 0 };
  const running = new Set<Promise<void>>();
  const begin = performance.now();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    await sleep(Math.max(0, begin + (n * 1000) / perSecond - performance.now()));
    const request = timed(n).finally(() => running.delete(request));
    running.add(request);
  }
  await Promise.all(running);
  return answers;

  async function timed(n: number): Promise<void> {
    const start = performance.now();
    const isExpected = await send(n).catch(() => false);
    if (isExpected) answers.times.push(performance.now() - start);
    else answers.failures += 1;
  }
}

/** Answers of several runs as one. */
export function merge(runs: Answers[]): Answers {
  return {
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    times: runs.flatMap(({ times }) => times),
    failures: runs.reduce((sum, { failures }) => sum + failures, 0),
  };
}

/** Expected answers a second. */
export function rate({ times, seconds }: Answers): number {
  return times.length / seconds;
}

/** Milliseconds within which a share of the answers came, from 0 to 1. */
export function percentile({ times }: Answers, share: number): number {
  const sorted = Float64Array.from(times).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
