// Sends the requests of a file to Elasticsearch or Kibana, one after the other, until each is accepted. Each request may be
// sent again: a second run leaves things as they are. Run by the set-up Jobs: `node apply.mts REQUESTS.json`.
//
// TARGET         base URL
// USERNAME, PASSWORD_FILE   who sends them
// X_FILE         where the value is that stands for "$X" in a body
// PATIENCE       seconds to wait for a target that is not ready, for each request; 300 if not set
//
// Elasticsearch refuses a right password, with 401, while it starts on a volume that holds its users. So that is waited for
// too, but not for longer than a minute: more likely the password is wrong.
import { readFileSync } from "node:fs";

interface Request {
  method: string;
  path: string;
  body?: unknown;
  /** Saved objects of Kibana, to be imported as a file. */
  savedObjects?: unknown[];
  /** The type of an error that means that the work is done already. */
  accept?: string;
}

interface Answer {
  error?: { type?: string; reason?: string } | string;
  message?: string;
  success?: boolean;
  errors?: unknown;
}

const { TARGET = "", USERNAME = "", PATIENCE = "300" } = process.env;
const patience = Number(PATIENCE);
const fromFile = (name: string): string => readFileSync(process.env[`${name}_FILE`] ?? "", "utf8").trim();
const authorization = `Basic ${Buffer.from(`${USERNAME}:${fromFile("PASSWORD")}`).toString("base64")}`;

/** The text of a JSON value in which "$X" stands for the content of the file X_FILE. */
const withSecrets = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "string" && /^\$[A-Z_]+$/.test(inner) ? fromFile(inner.slice(1)) : inner,
  );

/** A new one for each try: a form can be sent once. */
function payload({ body, savedObjects }: Request): { body?: string | FormData; headers?: Record<string, string> } {
  if (savedObjects) {
    const form = new FormData();
    form.set("file", new Blob([savedObjects.map((object) => JSON.stringify(object)).join("\n")]), "objects.ndjson");
    return { body: form };
  }
  return body === undefined ? {} : { body: withSecrets(body), headers: { "content-type": "application/json" } };
}

/** What came of one try: done, or a problem, with the seconds since the first try for which to hope for better. */
async function send(request: Request): Promise<{ done: true } | { patience: number; problem: string }> {
  const { body, headers } = payload(request);
  const response = await fetch(TARGET + request.path, {
    method: request.method,
    ...(body !== undefined && { body }),
    // Kibana takes no change without kbn-xsrf; Elasticsearch does not mind it.
    headers: { ...headers, authorization, "kbn-xsrf": "true" },
    signal: AbortSignal.timeout(60_000),
  }).catch((error: unknown) => (error as Error).cause ?? error);
  if (!(response instanceof Response)) return { patience, problem: String(response) };
  const text = await response.text();
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    answer = { message: text };
  }
  if (response.ok && answer.success !== false) return { done: true };
  const { type, reason } = typeof answer.error === "object" ? answer.error : { reason: answer.message };
  if (request.accept && type === request.accept) return { done: true };
  const detail = reason ?? type ?? JSON.stringify(answer.errors ?? answer);
  return { patience: patienceWith(response.status), problem: `${String(response.status)} ${detail}` };
}

function patienceWith(status: number): number {
  if (status === 401) return Math.min(patience, 60);
  return status >= 500 || status === 429 ? patience : 0;
}

async function apply(request: Request): Promise<void> {
  const what = `${request.method} ${request.path}`;
  const start = Date.now();
  for (;;) {
    const result = await send(request);
    if ("done" in result) {
      console.log(`${what}: done`);
      return;
    }
    if (Date.now() - start > result.patience * 1000 || result.patience === 0)
      throw new Error(`${what} at ${TARGET}: ${result.problem}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

try {
  for (const request of JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Request[]) await apply(request);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
