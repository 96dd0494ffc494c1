import { createLogger } from "../../service/log.ts";
import { cri, criLines, dockerLines } from "./fluentd.ts";

/** A file of a container, and the records that it becomes. */
export interface Row {
  title: string;
  /** Lines as the container runtime writes them. */
  file: string | Buffer;
  isDocker?: boolean;
  /** Fields of each record, except those of its source. A text stands for a record with only this message. */
  records: (string | Record<string, unknown>)[];
}

const rejected = (message: string) => ({ message, tags: ["rejected"] });

/** Different text in each 16 KiB, so that a missing part is found. */
const longText = (kibibytes: number) =>
  Array.from({ length: kibibytes / 16 }, (_, part) => `${String(part).padStart(15)} `.repeat(1024)).join("");

/** Parts of 256 KiB. */
const pieces = (text: string) => text.match(/[^]{1,262144}/g) ?? [];

const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}1${"]".repeat(levels - 1)}}`;

const ecsFields = {
  client: { ip: "203.0.113.7" },
  user: { id: "5" },
  http: { request: { method: "GET", id: "abc-1" }, response: { status_code: 500 } },
  labels: { route: "/:id/update" },
  url: { path: "/7/update" },
  error: { type: "Error", code: "DATABASE", message: "connect", stack_trace: "Error: connect\n    at a.ts:1" },
};

/** A line of the blog's logger. */
function blogLine(): string {
  let line = "";
  const log = createLogger("info", { write: (written) => void (line = written.trimEnd()) });
  log.error({ ...ecsFields, event: { duration: 12_000_000, id: "not Fluentd's" }, deleted: 3 }, "a request");
  return line;
}

/** Fields of a pod that uses names of Fluentd and of the Elastic Common Schema with other types. */
const otherFields = {
  level: "info",
  time: { seconds: 1 },
  "@timestamp": 17,
  error: { message: { an: "object" } },
  http: 1,
  event: "started",
  url: [],
  kubernetes: "mine",
  id: 4,
  ecs: {},
  stream: "none",
};

/** Stack traces that `detect_exceptions` joins. */
const traces = {
  Java: `Exception in thread "main" java.lang.IllegalStateException: cannot start
	at com.example.Shop.start(Shop.java:12)
	Suppressed: java.lang.RuntimeException: while closing
		at com.example.Shop.close(Shop.java:30)
Caused by: java.io.IOException: cannot read
	... 1 more`,
  "Node.js": "TypeError: no fish\n    at order (file.js:7:1)\n    at async Promise.all (index 0)",
  ".NET": "Unhandled exception. System.InvalidOperationException: no fish\n   at Shop.Order() in /src/Shop.cs:line 3",
  Python: `Traceback (most recent call last):
  File "/app/main.py", line 8, in main
    return shop.prices["fish"]
KeyError: 'fish'`,
  Go: `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]

goroutine 1 [running]:
main.(*Shop).Order(...)
	/app/main.go:7

goroutine 18 [chan receive, 2 minutes]:
main.worker(0xc0000)
	/app/main.go:30 +0x45`,
  PHP: `PHP Fatal error:  Uncaught exception 'Exception' with message 'no fish' in /app/shop.php:3
Stack trace:
#0 {main}
  thrown in /app/shop.php on line 3`,
  Ruby: "ActionController::RoutingError (No route matches):\n  lib/shop.rb:21:in `order'\n  lib/shop.rb:30:in `main'",
};

const notObjects = ["[]", '[{"msg":"one"},{"msg":"two"}]', '"a string"', "42", "null", "{ not JSON", "{}"];
const wrongTypes = ["log", "event", "error"].map((field) => `{"ecs.version":"8.17.0","${field}":5}`);
const dockerTexts = ['a "quoted" line', `${"äöü\t".repeat(7000)} long`, " "];
const longFrames = [
  "Error: long",
  ...Array.from({ length: 20 }, (_, frame) => `    at ${longText(16)}${String(frame)}`),
];
const manyFrames = ["Error: many", ...Array.from({ length: 1002 }, (_, frame) => `    at ${String(frame)}`)];
const someTraces = [traces.Python, traces.Java, traces.Python, traces.Go, traces["Node.js"]];

export const rows: Row[] = [
  {
    title: "keeps the fields of the blog's logger",
    file: criLines(blogLine()),
    records: [
      {
        ...ecsFields,
        message: "a request",
        log: { level: "error" },
        event: { duration: 12_000_000 },
        json: { deleted: 3 },
      },
    ],
  },
  {
    title: "keeps all fields of other JSON below `json`, whatever their types",
    file: criLines(JSON.stringify({ ...otherFields, msg: "of another pod" })),
    records: [{ message: "of another pod", json: otherFields, log: { level: "info" } }],
  },
  {
    title: "stores a line as rejected text if its ECS fields have wrong types",
    file: criLines(...wrongTypes),
    records: wrongTypes.map(rejected),
  },
  {
    title: "stores a record as rejected text if Elasticsearch refuses it, and not its neighbors",
    file: criLines('{"msg":"one","refuse":1}', '{"msg":"two"}', '{"msg":"three","number":1e400}'),
    records: [rejected("one"), "two", rejected("three")],
  },
  {
    title: "keeps a line as text if it is no JSON object",
    file: criLines(...notObjects),
    records: notObjects,
  },
  {
    title: "keeps JSON with more than 100 levels as text",
    file: criLines(nested(100), nested(101), nested(100_000), "after them"),
    records: [rejected(nested(100)), nested(101), nested(100_000), "after them"],
  },
  {
    title: "keeps an empty line, a message that is an object, and invalid UTF-8",
    file: Buffer.from(criLines("", '{"message":{"an":"object"}}', "bytes: \xff\xfe"), "latin1"),
    records: ["", { message: '{"message":{"an":"object"}}', json: { message: { an: "object" } } }, "bytes: ��"],
  },
  {
    title: "keeps a line in an unknown format",
    file: "no format of a runtime\n",
    records: ["no format of a runtime"],
  },
  {
    title: "joins the parts of a line, also around a line of the other stream",
    file:
      cri("begins on stdout, ", { tag: "P" }) +
      cri("on stderr", { stream: "stderr" }) +
      criLines("ends on stdout", JSON.stringify({ msg: "long JSON", text: "äöü".repeat(7000) })),
    records: [
      "begins on stdout, ends on stdout",
      "on stderr",
      { message: "long JSON", json: { text: "äöü".repeat(7000) } },
    ],
  },
  {
    title: "divides a line of 8 MB into records of 256 KiB, and keeps the next line",
    file: criLines(longText(8 * 1024), "after it"),
    records: [...pieces(longText(8 * 1024)), "after it"],
  },
  {
    title: "keeps a JSON line of more than 256 KiB as text",
    file: criLines(`{"msg":"${longText(256)}"}`),
    records: pieces(`{"msg":"${longText(256)}"}`),
  },
  {
    title: "leaves out a line of 100 MB that the runtime did not split, and keeps the next line",
    file: `${"y".repeat(100 * 1024 * 1024)}\n${criLines("after it")}`,
    records: ["after it"],
  },
  {
    title: "reads the files of Docker's runtime",
    file: dockerLines([...dockerTexts, '{"level":"warn","msg":"JSON"}']) + dockerLines(["on stderr"], "stderr"),
    isDocker: true,
    records: [...dockerTexts, { message: "JSON", log: { level: "warn" }, json: { level: "warn" } }, "on stderr"],
  },
  {
    title: "divides a long line of Docker's runtime, and stores the pieces that Elasticsearch refuses",
    file: dockerLines(["\u0001".repeat(300 * 1024), "after it"]),
    isDocker: true,
    records: [...pieces("\u0001".repeat(300 * 1024)).map(rejected), "after it"],
  },
  ...Object.entries(traces).map(([language, trace]) => ({
    title: `stores a stack trace of ${language} as one record, between other lines and as the last lines`,
    file: criLines("INFO: before", ...trace.split("\n"), "INFO: between", ...trace.split("\n")),
    records: ["INFO: before", trace, "INFO: between", trace],
  })),
  {
    title: "keeps stack traces apart from each other, and from JSON after them",
    file: criLines(...someTraces.join("\n").split("\n"), '{"msg":"Error: JSON"}'),
    records: [...someTraces, "Error: JSON"],
  },
  {
    title: "divides a stack trace of more than 256 KiB",
    file: criLines(...longFrames),
    records: [longFrames.slice(0, 16).join("\n"), ...longFrames.slice(16)],
  },
  {
    title: "divides a stack trace after 1000 lines",
    file: criLines(...manyFrames),
    records: [manyFrames.slice(0, 1000).join("\n"), ...manyFrames.slice(1000)],
  },
];

/** Lines that are hard for the rules of `detect_exceptions`, after the line that leads to the rule. */
export const hardLines = [
  ["Error: hard", " at "],
  ["Traceback (most recent call last):", ' File "x",'],
  ["Traceback (most recent call last):", "x.y.z."],
  ["Error (hard):", " "],
  ["a line", "Error ("],
  ["Unhandled exception:\nException", "#1 f("],
].map(([first = "", pattern = ""]) => [...first.split("\n"), pattern.repeat(25_000)]);
