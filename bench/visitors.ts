// What readers of the blog send.
import { Client } from "../tests/service/client.ts";
import { PASSWORD, username } from "./database.ts";

export interface Request {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Status of the answer if all is well. Without it, a page that says no would pass for a log-in. */
  expected: number;
}

/** Log-ins for a server, by number: of users in turn. The blog's have a guest's cookie and CSRF token. */
export async function logins(url: string): Promise<(n: number) => Request> {
  const client = new Client(url);
  // Flask's counterpart has neither the page nor tokens.
  const token = await client.token().catch(() => "");
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return (n) => ({
    method: "POST",
    path: "/auth/login",
    headers: { "content-type": "application/x-www-form-urlencoded", ...(cookie && { cookie }) },
    body: new URLSearchParams({ username: username(n), password: PASSWORD, _csrf: token }).toString(),
    expected: 302,
  });
}

/** Somebody who is logged in and writes posts. */
export async function writer(url: string): Promise<(n: number) => Request> {
  const client = new Client(url);
  await client.login(username(0), PASSWORD);
  const token = /name="_csrf" value="([^"]+)"/.exec((await client.get("/create")).text)?.[1] ?? "";
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return (n) => ({
    method: "POST",
    path: "/create",
    headers: { "content-type": "application/x-www-form-urlencoded", cookie },
    body: new URLSearchParams({ title: `Post ${String(n)}`, body: "Written under load.", _csrf: token }).toString(),
    expected: 302,
  });
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
