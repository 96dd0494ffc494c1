/**
 * A GET request with a time limit in milliseconds.
 *
 * In Node.js 20, a fetch never settles if the server closes the connection at once, and Node.js exits with code 13. The
 * timer of AbortSignal.timeout does not keep it running. This one does.
 */
export async function fetchWithin(limit: number, url: string): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort(new Error(`no answer within ${String(limit / 1000)} s`));
  }, limit);
  try {
    return await fetch(url, { signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}
