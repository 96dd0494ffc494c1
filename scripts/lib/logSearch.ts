import { loggingNames } from "../../components/logging/loggingNames.ts";

/** The fields of a record that {@link show} prints. */
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

const texts = ["message", "error.message", "error.stack_trace"];
const keywords = [
  ...["url.path", "http.route", "http.request.id", "error.code", "error.type", "log.level", "event.id", "tags"],
  ...["kubernetes.pod.name", "kubernetes.namespace", "kubernetes.node.name", "kubernetes.container.name"],
];

/**
 * Searches for a phrase in texts, and for a whole value in keywords.
 *
 * @param query - `since` is a duration of Elasticsearch, such as `24h`. `limit` is the maximum number of records.
 * @returns the newest records, oldest first, and the total number of matches
 * @throws Error with Elasticsearch's reason if it refuses the search
 */
export async function searchLogs(
  url: string,
  password: string,
  { text, since, limit }: { text: string; since: string; limit: number },
): Promise<{ total: number; records: LogRecord[] }> {
  const response = await fetch(`${url}/${loggingNames.dataStream}/_search`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`elastic:${password}`).toString("base64")}`,
      "content-type": "application/json",
      // A keep-alive connection would delay the end of the command for some seconds.
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

/** Formats a record for a terminal: time, pod and node, then the content. */
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
