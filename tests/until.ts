/** Waits until a condition is true. */
export async function until(what: string, seconds: number, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${String(seconds)} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
