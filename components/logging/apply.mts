// Sends the requests of a file to Elasticsearch or Kibana in order, and retries each until it is accepted. A second run
// changes nothing. The setup Jobs run `node apply.mts REQUESTS.json`.
//
// TARGET                    base URL
// USERNAME, PASSWORD_FILE   login for the requests
// X_FILE                    path of the value that replaces "$X" in a body
// PATIENCE                  seconds to retry each request while the target is not ready. Defaults to 300
//
// While Elasticsearch starts on an existing volume, it answers 401 to a correct password. So 401 is retried for a
// minute. After that, the password is probably wrong.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Request {
  method: string;
  path: string;
  /** Name of a JSON file in the folder of the requests. */
  body?: string;
  /** Name of an .ndjson file in that folder, exported from Kibana. */
  savedObjects?: string;
  /** Error type that counts as success, such as for an existing object. */
  accept?: string;
}

interface Answer {
  error?: { type?: string; reason?: string } | string;
  message?: string;
  success?: boolean;
  errors?: unknown;
}

const { TARGET = "", USERNAME = "", PATIENCE = "300" } = process.env;
const [, , requestsFile = ""] = process.argv;
const read = (name: string): string => readFileSync(join(dirname(requestsFile), name), "utf8");
const patience = Number(PATIENCE);
const fromFile = (name: string): string => readFileSync(process.env[`${name}_FILE`] ?? "", "utf8").trim();
const authorization = `Basic ${Buffer.from(`${USERNAME}:${fromFile("PASSWORD")}`).toString("base64")}`;

/** JSON text of a value, with "$X" replaced by the content of the file X_FILE. */
const withSecrets = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "string" && /^\$[A-Z_]+$/.test(inner) ? fromFile(inner.slice(1)) : inner,
  );

/** Body and headers of one attempt. A form can be sent only once. */
function payload({ body, savedObjects }: Request): { body?: string | FormData; headers?: Record<string, string> } {
  if (savedObjects) {
    const form = new FormData();
    form.set("file", new Blob([read(savedObjects)]), savedObjects);
    return { body: form };
  }
  if (body === undefined) return {};
  return { body: withSecrets(JSON.parse(read(body))), headers: { "content-type": "application/json" } };
}

/** Sends a request once. Returns undefined if it was accepted, or the problem and the seconds to retry it. */
async function send(request: Request): Promise<{ problem: string; patience: number } | undefined> {
  const { body, headers } = payload(request);
  const response = await fetch(TARGET + request.path, {
    method: request.method,
    ...(body !== undefined && { body }),
    // Kibana requires kbn-xsrf. Elasticsearch ignores it.
    headers: { ...headers, authorization, "kbn-xsrf": "true" },
    signal: AbortSignal.timeout(60_000),
  }).catch((error: unknown) => (error as Error).cause ?? error);
  if (!(response instanceof Response)) return { problem: String(response), patience };
  const text = await response.text();
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    answer = { message: text };
  }
  if (response.ok && answer.success !== false) return undefined;
  const { type, reason } = typeof answer.error === "object" ? answer.error : { reason: answer.message };
  if (request.accept && type === request.accept) return undefined;
  const detail = reason ?? type ?? JSON.stringify(answer.errors ?? answer);
  const { status } = response;
  const isTemporary = status >= 500 || status === 429;
  return {
    problem: `${String(status)} ${detail}`,
    patience: status === 401 ? Math.min(patience, 60) : isTemporary ? patience : 0,
  };
}

async function apply(request: Request): Promise<void> {
  const what = `${request.method} ${request.path}`;
  const start = Date.now();
  for (;;) {
    const failure = await send(request);
    if (!failure) break;
    if (Date.now() - start > failure.patience * 1000 || failure.patience === 0)
      throw new Error(`${what} at ${TARGET}: ${failure.problem}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  console.log(`${what}: done`);
}

try {
  for (const request of JSON.parse(readFileSync(requestsFile, "utf8")) as Request[]) await apply(request);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
