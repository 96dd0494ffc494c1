import { spawnSync } from "node:child_process";

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

interface Answer {
  error?: { reason?: string };
  hits: { total: { value: number }; hits: { _source: LogRecord }[] };
}

const texts = ["message", "error.message", "error.stack_trace"];
const keywords = [
  ...[
    "url.path",
    "labels.route",
    "user.id",
    "http.request.id",
    "error.code",
    "error.type",
    "log.level",
    "event.id",
    "tags",
  ],
  ...["kubernetes.pod.name", "kubernetes.namespace", "kubernetes.node.name", "kubernetes.container.name"],
];

/**
 * Searches with the query on stdin. Runs in Elasticsearch's pod, whose environment has the password. Other processes
 * can read the arguments of curl, so curl reads the login from file descriptor 3.
 */
const searchScript = `curl --silent --show-error --config /dev/fd/3 --header "content-type: application/json" \\
  --data-binary @- http://localhost:9200/logs-kubernetes-default/_search 3<<EOF
user = "elastic:$(printf %s "$ELASTIC_PASSWORD" | sed 's/[\\\\"]/\\\\&/g')"
EOF`;

/**
 * Searches for a phrase in texts, and for a whole value in keywords.
 *
 * @param inPod - command that runs its arguments in Elasticsearch's pod
 * @param search - `since` is a duration of Elasticsearch, such as `24h`. `limit` is the maximum number of records.
 * @returns the newest records, oldest first, and the total number of matches
 * @throws Error with Elasticsearch's reason if it refuses the search
 */
export function searchLogs(
  inPod: string[],
  { text, since, limit }: { text: string; since: string; limit: number },
): { total: number; records: LogRecord[] } {
  const query = {
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
  };
  const [command = "", ...args] = inPod.concat("sh", "-c", searchScript);
  const input = JSON.stringify(query);
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: "utf8", maxBuffer: Infinity });
  if (status !== 0) {
    throw new Error(`Elasticsearch does not answer. "npm run status" shows its pod.\n${stderr || String(error)}`);
  }
  const answer = JSON.parse(stdout) as Answer;
  if (answer.error) throw new Error(`Elasticsearch refuses the search: ${answer.error.reason ?? "no reason given"}`);
  return { total: answer.hits.total.value, records: answer.hits.hits.map(({ _source }) => _source).reverse() };
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
