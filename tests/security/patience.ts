import type { Reply } from "../service/client.ts";

/** Sends a request up to three times, because a busy machine may answer late or with 503. */
export async function patiently(send: () => Promise<Reply>, limit = Infinity): Promise<Reply & { ms: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const start = performance.now();
    const reply = await send();
    const ms = performance.now() - start;
    if (attempt === 3 || (reply.status !== 503 && ms < limit)) return { ...reply, ms };
  }
}
