import { setTimeout as sleep } from "node:timers/promises";

import autocannon from "autocannon";

import { type Request, send } from "./visitors.ts";

interface LoadOptions {
  url: string;
  /** Each connection sends its next request after the response to the last one. */
  connections: number;
  seconds: number;
  /** The requests of a connection in turn, by its number. */
  requests: (connection: number) => Request[];
}

export interface Answers {
  seconds: number;
  /** Milliseconds of each expected answer. */
  times: number[];
  /** Unexpected answers, such as 429 or 503. */
  refusals: number;
  /** Requests without an answer. */
  errors: number;
}

/** Sends as many requests as the server answers. */
export async function load({ url, connections, seconds, requests }: LoadOptions): Promise<Answers> {
  const answers: Answers = { seconds, times: [], refusals: 0, errors: 0 };
  const expected = requests(0)[0]?.expected;
  let connection = 0;
  const options: autocannon.Options = {
    url,
    connections,
    duration: seconds,
    // Autocannon's statistics are in whole milliseconds.
    skipAggregateResult: true,
    setupClient(client) {
      client.setRequests(
        requests(connection).map(({ method, path, headers, body }) => ({ method, path, headers, body })),
      );
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
      else answers.refusals += 1;
    });
    run.on("reqError", () => {
      answers.errors += 1;
    });
  });
  return answers;
}

/** Sends requests to a server at a constant rate, even if answers are late. */
export async function pace(
  url: string,
  perSecond: number,
  seconds: number,
  request: (n: number) => Request,
): Promise<Answers> {
  const answers: Answers = { seconds, times: [], refusals: 0, errors: 0 };
  const running = new Set<Promise<void>>();
  const begin = performance.now();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    await sleep(Math.max(0, begin + (n * 1000) / perSecond - performance.now()));
    const sending = timed(request(n)).finally(() => running.delete(sending));
    running.add(sending);
  }
  await Promise.all(running);
  return answers;

  async function timed(request: Request): Promise<void> {
    const start = performance.now();
    const status = await send(url, request).catch(() => undefined);
    if (status === request.expected) answers.times.push(performance.now() - start);
    else if (status === undefined) answers.errors += 1;
    else answers.refusals += 1;
  }
}

export function merge(runs: Answers[]): Answers {
  return {
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    times: runs.flatMap(({ times }) => times),
    refusals: runs.reduce((sum, { refusals }) => sum + refusals, 0),
    errors: runs.reduce((sum, { errors }) => sum + errors, 0),
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
