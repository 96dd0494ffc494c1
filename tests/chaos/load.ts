import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "../client.ts";

/** Result of one request. */
export interface Result {
  what: "read" | "write";
  /** Milliseconds from the start of the load to the request. */
  at: number;
  ms: number;
  /** The status, or the reason for its absence. */
  outcome: number | string;
  retryAfter: string | null;
}

const requestsPerSecond = 50;
/** Number of writes in ten requests. */
const writes = 2;
const timeout = 10_000;

/** A steady load of reads and writes. Each request uses a new connection, waits for no answer, and is not retried. */
export class Load {
  readonly results: Result[] = [];
  /** Titles of the posts that the blog has confirmed. */
  readonly acknowledged: string[] = [];
  readonly #url: string;
  readonly #writer: Client;
  readonly #start = Date.now();
  readonly #inFlight = new Set<Promise<void>>();
  #running = true;
  #sent = 0;

  private constructor(url: string, writer: Client) {
    this.#url = url;
    this.#writer = writer;
  }

  /** Logs a writer in and starts. */
  static async start(url: string, username: string): Promise<Load> {
    const writer = new Client(url);
    const who = { username, password: "correct horse battery" };
    await writer.post("/auth/register", who);
    const { status } = await writer.post("/auth/login", who);
    if (status !== 302) throw new Error(`the writer cannot log in: ${String(status)}`);
    const load = new Load(url, writer);
    void load.#run();
    return load;
  }

  /** Stops and waits for the last answer. */
  async stop(): Promise<this> {
    this.#running = false;
    await sleep(2000 / requestsPerSecond);
    await Promise.all(this.#inFlight);
    return this;
  }

  /** Failed requests. */
  get failures(): Result[] {
    return this.results.filter(({ outcome }) => typeof outcome === "string" || outcome >= 400);
  }

  /** Milliseconds since the load began. */
  get now(): number {
    return Date.now() - this.#start;
  }

  /** Number of requests per outcome. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { what, outcome } of this.results) {
      const key = `${what} ${String(outcome)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts].map(([outcome, count]) => `${outcome}: ${String(count)}`).join(", ");
  }

  /** A percentile of the response times in milliseconds. */
  percentile(share: number): number {
    const sorted = this.results.map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  async #run(): Promise<void> {
    const interval = 1000 / requestsPerSecond;
    while (this.#running) {
      const request = this.#request().finally(() => this.#inFlight.delete(request));
      this.#inFlight.add(request);
      this.#sent += 1;
      await sleep(Math.max(0, this.#start + this.#sent * interval - Date.now()));
    }
  }

  async #request(): Promise<void> {
    const what = this.#sent % 10 < writes ? "write" : "read";
    const title = `Post ${String(this.#sent)} of ${String(this.#start)}`;
    const begun = Date.now();
    let outcome: number | string;
    let retryAfter: string | null = null;
    try {
      const response =
        what === "read"
          ? await new Client(this.#url).get("/", { timeout })
          : await this.#writer.post("/create", { title, body: "Written under load." });
      outcome = response.status;
      retryAfter = response.headers.get("retry-after");
      if (what === "write" && outcome === 302) {
        const location = response.headers.get("location");
        if (location === "/") this.acknowledged.push(title);
        else outcome = `sent to ${String(location)}`;
      }
    } catch (error) {
      const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
      outcome = cause?.code ?? cause?.message ?? message;
    }
    this.results.push({ what, at: begun - this.#start, ms: Date.now() - begun, outcome, retryAfter });
  }
}
