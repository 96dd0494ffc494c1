import { setTimeout as sleep } from "node:timers/promises";

import { fetchWithin } from "./fetchWithin.ts";

/**
 * Waits until the blog answers. The nodes forward a Service's port and apply NetworkPolicies some time after Kubernetes
 * has called a pod ready.
 *
 * @param limit - milliseconds
 * @throws Error if the blog does not answer within the limit
 */
export async function waitForAnswer(url: string, limit = 30_000): Promise<void> {
  const end = Date.now() + limit;
  while (Date.now() < end) {
    const response = await fetchWithin(2000, url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(250);
  }
  throw new Error(`${url} does not answer within ${String(limit / 1000)} s. "npm run status" shows the pods.`);
}
