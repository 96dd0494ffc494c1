// npm run logs:search -- "TEXT": searches the logs of all pods in Elasticsearch. `--help` lists the options.
import { parseArgs } from "node:util";

import { searchLogs, show } from "./lib/elasticsearch.ts";
import { kubectlCommand } from "./lib/kubectl.ts";
import { main } from "./lib/main.ts";
import { refuseSwallowedFlags } from "./lib/npmFlags.ts";
import { settings } from "./lib/project.ts";

const usage = `Usage: npm run logs:search -- "TEXT" [--since 1h] [--limit 20] [--json]

  TEXT     a phrase of the message, or a whole path, request id, pod or error code
  --since  maximum age of the records, a number with s, m, h or d. Defaults to 24h
  --limit  maximum number of records, 1 to 10000. The newest are shown. Defaults to 20
  --json   the records as Elasticsearch stores them, one per line`;

await main(() => {
  refuseSwallowedFlags("since", "limit");
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      since: { type: "string", default: "24h" },
      limit: { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const text = positionals.join(" ");
  const limit = Number(values.limit);
  if (!text) throw new Error(`TEXT is missing\n\n${usage}`);
  if (!/^\d+[smhd]$/.test(values.since)) throw new Error(`--since ${values.since} is not a time such as 90s or 7d`);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw new Error(`--limit ${values.limit} is not a number from 1 to 10000`);
  }
  const { logging, loggingNamespace } = settings();
  if (!logging) {
    throw new Error(
      'This stack collects no logs. Run "npm run pulumi -- config set logging true", then "npm run up". ' +
        '"npm run logs" shows the logs of the blog.',
    );
  }
  const inPod = [...kubectlCommand({ input: true }), "exec", "-i", "-n", loggingNamespace, "elasticsearch-0", "--"];
  const { total, records } = searchLogs(inPod, { text, since: values.since, limit });
  for (const record of records) console.log(values.json ? JSON.stringify(record) : show(record));
  console.error(total === 0 ? "Nothing found." : `${String(records.length)} of ${String(total)} records.`);
  if (total === 0) process.exitCode = 1;
});
