import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";

export interface Reply {
  status: number;
  /** Target of a redirect. */
  location: string | null;
  headers: Headers;
  text: string;
}

interface Options {
  headers?: Record<string, string>;
  /** Milliseconds until the request fails. Defaults to 30,000. */
  timeout?: number;
}

/** Whether a page answers with success within `timeout` milliseconds. */
export async function answersOk(url: string, timeout = 2000): Promise<boolean> {
  const reply = await new Client(url).get("/", { timeout }).catch(() => undefined);
  return reply?.status === 200;
}

/** A minimal browser. It keeps cookies as long as their lifetimes say, and follows no redirects. */
export class Client {
  readonly cookies = new Map<string, string>();
  /** Names of cookies without `Expires` and `Max-Age`, which end with the browser. */
  #temporary = new Set<string>();
  /** The address to connect from. Defaults to any. */
  localAddress: string | undefined;
  readonly #url: string;
  readonly #host: string | undefined;

  /** @param host - the Host header. Defaults to the host of the URL. */
  constructor(url: string, host?: string) {
    this.#url = url;
    this.#host = host;
  }

  /** Adds the cookies of another client. */
  withCookies(cookies: Iterable<readonly [name: string, value: string]>): this {
    for (const [name, value] of cookies) this.cookies.set(name, value);
    return this;
  }

  /** Ends and starts the browser, and opens another blog on the same host. Browsers share cookies between ports. */
  restart(url = this.#url): Client {
    const lasting = [...this.cookies].filter(([name]) => !this.#temporary.has(name));
    return new Client(url, this.#host).withCookies(lasting);
  }

  /** The Cookie header. */
  get cookieHeader(): string {
    return [...this.cookies].map((pair) => pair.join("=")).join("; ");
  }

  get(path: string, options: Options = {}): Promise<Reply> {
    return this.request("GET", path, options.headers, undefined, options.timeout);
  }

  post(path: string, fields: Record<string, string> | [string, string][] = {}, options: Options = {}): Promise<Reply> {
    return this.request("POST", path, options.headers, new URLSearchParams(fields), options.timeout);
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
    timeout = 30_000,
  ): Promise<Reply> {
    const cookie = this.cookieHeader;
    const reply = await this.#send(method, path, { ...(cookie && { cookie }), ...headers }, body, timeout);
    for (const line of reply.headers.getSetCookie()) this.#keep(line);
    return reply;
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const expires = /; expires=([^;]+)/i.exec(line)?.[1];
    if (expires === undefined && !/; max-age=/i.test(line)) this.#temporary.add(name);
    else this.#temporary.delete(name);
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  /**
   * Uses node:http, because `fetch` cannot set the Host header. Each request has a new connection, because a server may
   * close an idle one while a command blocks this process.
   */
  async #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: URLSearchParams | string | undefined,
    timeout: number,
  ): Promise<Reply> {
    const request = httpRequest(this.#url + path, {
      method,
      agent: false,
      signal: AbortSignal.timeout(timeout),
      headers: {
        ...(this.#host !== undefined && { host: this.#host }),
        ...(body instanceof URLSearchParams && { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" }),
        ...(body !== undefined && { "content-length": String(Buffer.byteLength(body.toString())) }),
        ...headers,
      },
      ...(this.localAddress !== undefined && { localAddress: this.localAddress }),
    }).end(body?.toString());
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const received = new Headers();
    for (const [name, values = []] of Object.entries(response.headersDistinct)) {
      for (const value of values) received.append(name, value);
    }
    const { statusCode: status = 0 } = response;
    return { status, location: received.get("location"), headers: received, text: await text(response) };
  }
}
