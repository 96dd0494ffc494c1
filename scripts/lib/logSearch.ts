import { loggingNames } from "../../components/loggingNames.ts";

/** What of a record is shown. */
export interface LogRecord {
  "@timestamp": string;
  message: string;
  log?: { level?: string };
  http?: { request?: { method?: string; id?: string }; response?: { status_code?: number } };
  url?: { path?: string };
  event?: { duration?: number };
  error?: { stack_trace?: string };
  container?: { image?: { name?: string } };
  kubernetes: { namespace?: string; node?: { name?: string }; pod?: { name?: string } };
}

export interface LogQuery {
  /** Words of a text, or the whole of a keyword. */
  text: string;
  /** How far back to look, in Elasticsearch's units, such as `24h`. */
  since: string;
  /** How many records at most. */
  limit: number;
}

const texts = ["message", "error.message", "error.stack_trace"];
const keywords = [
  ...["url.path", "http.route", "http.request.id", "error.code", "error.type", "log.level", "event.id", "tags"],
  ...["kubernetes.pod.name", "kubernetes.namespace", "kubernetes.node.name", "kubernetes.container.name"],
];

/**
 * The newest records that contain a text, oldest first.
 *
 * @throws Error with Elasticsearch's reason if it refuses the search
 */
export async function searchLogs(
  url: string,
  password: string,
  { text, since, limit }: LogQuery,
): Promise<{ total: number; records: LogRecord[] }> {
  const response = await fetch(`${url}/${loggingNames.dataStream}/_search`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`elastic:${password}`).toString("base64")}`,
      "content-type": "application/json",
      // A connection kept open would keep the command from ending for some seconds.
      connection: "close",
    },
    body: JSON.stringify({
      size: limit,
      sort: [{ "@timestamp": "desc" }],
      track_total_hits: true,
      query: {
        bool: {
          filter: [{ range: { "@timestamp": { gte: `now-${since}` } } }],
          should: [
            ...texts.map((field) => ({ match_phrase: { [field]: text } })),
            ...keywords.map((field) => ({ term: { [field]: text } })),
          ],
          minimum_should_match: 1,
        },
      },
    }),
  });
  const answer = (await response.json()) as {
    error?: { reason?: string };
    hits: { total: { value: number }; hits: { _source: LogRecord }[] };
  };
  if (!response.ok) {
    throw new Error(`Elasticsearch answered ${String(response.status)}: ${answer.error?.reason ?? "no reason given"}`);
  }
  const records = answer.hits.hits.map(({ _source }) => _source).reverse();
  return { total: answer.hits.total.value, records };
}

/** A record for a person: when, where, and what. */
export function show(record: LogRecord): string {
  const { kubernetes, http, url, event } = record;
  const where = [
    `${kubernetes.namespace ?? "?"}/${kubernetes.pod?.name ?? "?"}`,
    `on ${kubernetes.node?.name ?? "?"}`,
    record.container?.image?.name,
  ];
  const what = [
    record.log?.level?.toUpperCase(),
    record.message,
    http?.request?.method,
    url?.path,
    http?.response?.status_code,
    event?.duration === undefined ? undefined : `${String(event.duration / 1e6)} ms`,
    http?.request?.id,
  ];
  const line = (parts: (string | number | undefined)[]) => parts.filter((part) => part !== undefined).join(" ");
  const stack = record.error?.stack_trace;
  return `${record["@timestamp"]} ${line(where)}\n  ${line(what)}${stack ? `\n  ${stack.replaceAll("\n", "\n  ")}` : ""}`;
}
