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

  constructor(url: string) {
    this.#url = url;
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await this.#fetch(path, {});
    return { status: response.status, text: await response.text() };
  }

  /** Submits a form, as the page at `path` does. */
  submit(path: string, fields: Record<string, string>): Promise<Response> {
    return this.#fetch(path, {
      method: "POST",
      body: new URLSearchParams(fields),
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
