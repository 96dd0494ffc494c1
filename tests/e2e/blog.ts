/** Fetches over a new connection. A server may close a keep-alive connection while a command blocks this process. */
export function fetchAnew(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("connection", "close");
  return fetch(url, { ...init, headers });
}

/** Whether a page answers with success within `patience` milliseconds. */
export async function answersOk(url: string, patience = 2000): Promise<boolean> {
  const response = await fetchAnew(url, { signal: AbortSignal.timeout(patience) }).catch(() => undefined);
  return response?.ok ?? false;
}

/** A reader of the blog, with cookies. */
export class Visitor {
  readonly #cookies = new Map<string, string>();
  readonly #url: string;
  #token = "";

  constructor(url: string) {
    this.#url = url;
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await this.#fetch(path, {});
    return { status: response.status, text: await response.text() };
  }

  /** Loads a page and submits its form with the page's token. */
  async submit(page: string, fields: Record<string, string>, action = page): Promise<Response> {
    await this.prepare(page);
    return this.send(action, fields);
  }

  /** Stores the token of a page for later forms of this session. */
  async prepare(page: string): Promise<void> {
    const { text } = await this.get(page);
    const token = /name="_csrf"[^>]*value="([^"]+)"/.exec(text)?.[1];
    if (!token) throw new Error(`${page} has no form with a token: ${text.slice(0, 500)}`);
    this.#token = token;
  }

  /** Sends a form with the stored token. */
  send(action: string, fields: Record<string, string>): Promise<Response> {
    return this.#fetch(action, {
      method: "POST",
      body: new URLSearchParams({ ...fields, _csrf: this.#token }),
      headers: { origin: this.#url },
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const response = await fetchAnew(this.#url + path, {
      ...init,
      redirect: "manual",
      signal: AbortSignal.timeout(10_000),
      headers: {
        ...(init.headers as Record<string, string> | undefined),
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name && value !== undefined) this.#cookies.set(name, value);
    }
    return response;
  }
}
