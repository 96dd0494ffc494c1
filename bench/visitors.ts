// Requests of the blog's readers.
import { Client } from "../tests/client.ts";
import { PASSWORD, username } from "./database.ts";

export interface Request {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Status of a successful answer. Otherwise a refused login would count as an answer. */
  expected: number;
}

/** The login of a user from an address, both by number. The blog limits the logins of an address. */
export function login(user: number, address: number): Request {
  const request = post("/auth/login", { username: username(user), password: PASSWORD });
  request.headers["x-forwarded-for"] = `10.${[16, 8, 0].map((bits) => String((address >> bits) & 255)).join(".")}`;
  return request;
}

/** Posts of a user who is logged in, by number. */
export async function writer(url: string): Promise<(n: number) => Request> {
  const client = new Client(url);
  const { location } = await client.login(username(0), PASSWORD);
  if (location !== "/") throw new Error("The writer cannot log in.");
  return (n) => post("/create", { title: `Post ${String(n)}`, body: "Written under load." }, client.cookieHeader);
}

function post(path: string, fields: Record<string, string>, cookie = ""): Request {
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

/** Sends a request, reads the answer and returns its status. */
export async function send(url: string, { method, path, headers, body }: Request): Promise<number> {
  const response = await fetch(url + path, { method, headers, redirect: "manual", ...(body && { body }) });
  await response.arrayBuffer();
  return response.status;
}
