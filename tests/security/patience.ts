import type { Reply } from "../service/client.ts";

/** A busy machine answers 503 now and then, or late; where the request is the reason, it does so each time. */
export async function patiently(send: () => Promise<Reply>, limit = Infinity): Promise<Reply & { ms: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const start = performance.now();
    const reply = await send();
    const ms = performance.now() - start;
    if (attempt === 3 || (reply.status !== 503 && ms < limit)) return { ...reply, ms };
  }
}
