import { setTimeout as sleep } from "node:timers/promises";

/** Waits until a condition is true. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${String(seconds)} s: ${what}`);
    await sleep(50);
  }
}
