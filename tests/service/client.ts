export interface Reply {
  status: number;
  /** Of a redirect. */
  location: string | null;
  headers: Headers;
  text: string;
}

interface Options {
  headers?: Record<string, string>;
  /** The CSRF token to send, null for none. Defaults to that of a page that the blog has just shown. */
  token?: string | null;
}

/** A browser in miniature: keeps cookies, follows no redirect, and takes the CSRF token from the page. */
export class Client {
  readonly cookies = new Map<string, string>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get(path: string, options: Options = {}): Promise<Reply> {
    return this.request("GET", path, options.headers);
  }

  async post(path: string, fields: Record<string, string> | [string, string][] = {}, options: Options = {}) {
    const token = options.token === undefined ? await this.token() : options.token;
    const body = new URLSearchParams(fields);
    if (token !== null) body.set("_csrf", token);
    return this.request("POST", path, options.headers, body);
  }

  /** The CSRF token of this client's pages. */
  async token(): Promise<string> {
    const token = /name="_csrf" value="([^"]+)"/.exec((await this.get("/auth/login")).text)?.[1];
    if (token === undefined) throw new Error("The page has no CSRF token.");
    return token;
  }

  login(username = "test", password = "test"): Promise<Reply> {
    return this.post("/auth/login", { username, password });
  }

  logout(): Promise<Reply> {
    return this.post("/auth/logout");
  }

  async request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: URLSearchParams | string,
  ): Promise<Reply> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(this.#url + path, {
      method,
      redirect: "manual",
      headers: { ...(cookie && { cookie }), ...headers },
      ...(body !== undefined && { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const { status } = response;
    return {
      status,
      location: response.headers.get("location"),
      headers: response.headers,
      text: await response.text(),
    };
  }
}
