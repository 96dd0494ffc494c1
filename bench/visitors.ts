// Requests of the blog's readers.
import { Client } from "../tests/service/client.ts";
import { PASSWORD, username } from "./database.ts";

export interface Request {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Status of a successful answer. Otherwise a refused login would count as an answer. */
  expected: number;
}

/** Logins of all users in turn, by number. */
export async function logins(url: string): Promise<(n: number) => Request> {
  const client = new Client(url);
  // bench/flask has no page for logins and no CSRF tokens.
  const _csrf = await client.token().catch(() => "");
  return (n) => post(client, "/auth/login", { username: username(n), password: PASSWORD, _csrf });
}

/** Posts of a user who is logged in, by number. */
export async function writer(url: string): Promise<(n: number) => Request> {
  const client = new Client(url);
  await client.login(username(0), PASSWORD);
  const _csrf = /name="_csrf" value="([^"]+)"/.exec((await client.get("/create")).text)?.[1] ?? "";
  return (n) => post(client, "/create", { title: `Post ${String(n)}`, body: "Written under load.", _csrf });
}

function post({ cookies }: Client, path: string, fields: Record<string, string>): Request {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return {
    method: "POST",
    path,
    headers: { "content-type": "application/x-www-form-urlencoded", ...(cookie && { cookie }) },
    body: new URLSearchParams(fields).toString(),
    expected: 302,
  };
}

export function get(path: string): Request {
  return { method: "GET", path, headers: {}, body: "", expected: 200 };
}

/** Sends a request, reads the answer and returns whether it is the expected one. */
export async function send(url: string, { method, path, headers, body, expected }: Request): Promise<boolean> {
  const response = await fetch(url + path, { method, headers, redirect: "manual", ...(body && { body }) });
  await response.arrayBuffer();
  return response.status === expected;
}
