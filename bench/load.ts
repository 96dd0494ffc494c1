import { setTimeout as sleep } from "node:timers/promises";

import autocannon from "autocannon";

import type { Request } from "./visitors.ts";

interface LoadOptions {
  url: string;
  /** Each connection sends its next request after the response to the last one. */
  connections: number;
  seconds: number;
  /** The request of a connection, by its number. */
  request: (connection: number) => Request;
}

export interface Answers {
  seconds: number;
  /** Milliseconds of each expected answer. */
  times: number[];
  /** Unexpected answers, and requests without an answer. */
  failures: number;
}

/** Sends as many requests as the server answers. */
export async function load({ url, connections, seconds, request }: LoadOptions): Promise<Answers> {
  const answers: Answers = { seconds, times: [], failures: 0 };
  const { expected } = request(0);
  let connection = 0;
  const options: autocannon.Options = {
    url,
    connections,
    duration: seconds,
    // Autocannon's statistics are in whole milliseconds.
    skipAggregateResult: true,
    setupClient(client) {
      const { method, path, headers, body } = request(connection);
      // `setRequest` would change only the first request.
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
 * Sends requests at a constant rate, even if answers are late.
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

export function merge(runs: Answers[]): Answers {
  return {
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    times: runs.flatMap(({ times }) => times),
    failures: runs.reduce((sum, { failures }) => sum + failures, 0),
  };
}

/** Expected answers per second. */
export function rate({ times, seconds }: Answers): number {
  return times.length / seconds;
}

/** @param share from 0 to 1 @returns milliseconds */
export function percentile({ times }: Answers, share: number): number {
  const sorted = Float64Array.from(times).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
