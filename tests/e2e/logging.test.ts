import assert from "node:assert/strict";

import type { LogRecord } from "../../scripts/lib/elasticsearch.ts";
import { Client } from "../client.ts";
import { until } from "../until.ts";
import { assertUnchanged, Checkout, docker } from "./checkout.ts";

const clusterName = "koa-blog-logging-e2e";
const kibanaPort = 30602;
const dataStream = "/logs-kubernetes-default";

interface Summary {
  pods: { podRef: { namespace: string; name: string }; memory?: { workingSetBytes: number } }[];
}

/** The whole life of a stack with logging. The tests build on each other, so the first failure stops them. */
describe("The logs of a real cluster", () => {
  let checkout: Checkout;
  let passwords: Record<"elastic" | "kibana" | "fluentd", string>;
  const report = (message: string) => {
    console.log(`      ${message}`);
  };
  const logging = (...args: string[]) => checkout.kubectl("--namespace", "logging", ...args);
  const manifest = (object: unknown) =>
    docker(
      ...["exec", `${clusterName}-control-plane`, "sh", "-c", 'printf %s "$1" | kubectl apply --filename -', "sh"],
      JSON.stringify(object),
    );

  const readPassword = (key: string) => {
    const { items } = JSON.parse(logging("get", "secrets", "--output", "json")) as { items: Secret[] };
    const secret = items.find(({ data }) => data?.[key] !== undefined);
    return Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
  };

  /** Sends one request in Elasticsearch's pod. */
  const elasticsearch = (path: string, { body, user = "elastic", password = passwords.elastic }: Asked = {}) => {
    const output = logging(
      ...["exec", "elasticsearch-0", "--", "curl", "--silent", "--write-out", "\n%{http_code}"],
      ...(user ? ["--user", `${user}:${password}`] : []),
      ...(body === undefined ? [] : ["--header", "content-type: application/json", "--data", JSON.stringify(body)]),
      `http://localhost:9200${path}`,
    );
    const [, text = "", status = ""] = /^([^]*)\n(\d+)$/.exec(output) ?? [];
    return { status: Number(status), answer: JSON.parse(text) as unknown };
  };

  /** All records that match a query. */
  const search = (query: unknown): LogRecord[] => {
    const records: LogRecord[] = [];
    let after: unknown[] | undefined;
    for (;;) {
      const { status, answer } = elasticsearch(`${dataStream}/_search`, {
        body: { size: 500, query, sort: [{ "event.id": "asc" }], ...(after && { search_after: after }) },
      });
      assert.equal(status, 200, JSON.stringify(answer));
      const { hits } = (answer as { hits: { hits: { _source: LogRecord; sort: unknown[] }[] } }).hits;
      if (hits.length === 0) return records;
      records.push(...hits.map(({ _source }) => _source));
      after = hits.at(-1)?.sort;
    }
  };
  const ofPod = (pod: string) => ({ term: { "kubernetes.pod.name": pod } });

  /** Runs a script in a new pod, on the worker without Elasticsearch. */
  const runPod = (name: string, script: string, environment: Record<string, string> = {}) =>
    manifest({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", labels: { app: name, "app.kubernetes.io/name": name } },
      spec: {
        restartPolicy: "Never",
        nodeSelector: { "kubernetes.io/hostname": `${clusterName}-worker` },
        containers: [
          {
            name: "writer",
            image: checkout.blogImage(),
            imagePullPolicy: "Never",
            command: ["node", "--eval", script],
            env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
          },
        ],
      },
    });

  before(function () {
    const reason = process.env.E2E_WITHOUT_LOGGING;
    if (reason) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    checkout = new Checkout(clusterName, 30425, { kibanaPort });
  });

  after(function () {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is none if the tests are skipped
    if (!checkout) return;
    try {
      if (this.currentTest?.isFailed()) {
        console.log(checkout.kubectl("get", "pods", "--all-namespaces", "--output", "wide"));
        console.log(logging("logs", "--selector", "app.kubernetes.io/name=fluentd", "--prefix", "--tail", "30"));
      }
    } catch {
      console.log("      The cluster does not say what is in it.");
    }
    checkout.npm("destroy", "--yes");
    checkout.remove();
  });

  it("come up with the stack", () => {
    const { output, seconds } = checkout.succeeds("up");
    report(`up from nothing: ${seconds.toFixed(0)} s`);
    assert.match(output, /npm run logs:search/);
    passwords = {
      elastic: readPassword("ELASTIC_PASSWORD"),
      kibana: readPassword("KIBANA_PASSWORD"),
      fluentd: readPassword("FLUENTD_PASSWORD"),
    };
    const rolled = logging("get", "daemonset/fluentd", "--output", "jsonpath={.status.numberReady}");
    assert.equal(rolled, "3");
  });

  it("change nothing when nothing has changed", () => {
    checkout.succeeds("preview", "--expect-no-changes");
    const { output, seconds } = checkout.succeeds("up");
    report(`up without changes: ${seconds.toFixed(1)} s`);
    assertUnchanged(output);
  });

  it("show no password: not in outputs, the plain state, ConfigMaps, or a pod's log", () => {
    const { output } = checkout.succeeds("preview", "--diff");
    const texts = {
      preview: output,
      outputs: checkout.succeeds("pulumi", "stack", "output", "--json").output,
      state: checkout.read(".state/.pulumi/stacks/koa-blog/dev.json"),
      configMaps: logging("get", "configmaps", "--output", "yaml"),
      pods: logging("get", "pods", "--output", "yaml"),
      logs: logging("get", "pods", "--output", "name")
        .split("\n")
        .map((pod) => logging("logs", pod))
        .join("\n"),
    };
    for (const password of Object.values(passwords)) {
      assert.match(password, /^\w{32}$/);
      for (const [where, text] of Object.entries(texts))
        assert.ok(!text.includes(password), `a password is in ${where}`);
    }
  });

  it("are refused with a wrong password, or none", () => {
    for (const asked of [{ user: "" }, { password: "wrong" }, { user: "koa-blog-fluentd", password: "wrong" }]) {
      assert.equal(elasticsearch("/", asked).status, 401);
    }
    const fluentd = { user: "koa-blog-fluentd", password: passwords.fluentd };
    const { status, answer } = elasticsearch("/_security/_authenticate", fluentd);
    assert.equal(status, 200);
    assert.deepEqual((answer as { roles: string[] }).roles, ["koa-blog-fluentd"]);
  });

  // Should take less than 10 s. A busy machine may be slower, so the time is only reported.
  it("find a request made to the blog, with its pod, node, namespace and image", async () => {
    const path = `/a-path-of-the-logging-test-${String(Date.now())}`;
    const start = Date.now();
    await new Client(checkout.url).get(path);
    let found = checkout.npm("logs:search", path);
    while (found.status !== 0 && Date.now() - start < 30_000) found = checkout.npm("logs:search", path);
    const seconds = (Date.now() - start) / 1000;
    report(`found after ${seconds.toFixed(1)} s, one search takes ${found.seconds.toFixed(1)} s`);
    assert.equal(found.status, 0, found.output);
    assert.match(found.output, new RegExp(`GET ${path} 404`));
    const [record] = JSON.parse(
      `[${checkout.succeeds("logs:search", path, "--json").output.split("\n")[0] ?? ""}]`,
    ) as LogRecord[];
    assert.equal(record?.kubernetes.namespace, "koa-blog");
    assert.match(record.kubernetes.pod?.name ?? "", /^koa-blog-/);
    assert.match(record.kubernetes.node?.name ?? "", /^koa-blog-logging-e2e-worker2?$/);
    assert.equal(record.container?.image?.name, checkout.blogImage());
    assert.equal(record.http?.response?.status_code, 404);
  });

  it("say that nothing is found, and what a wrong option should be", () => {
    const nothing = checkout.npm("logs:search", "no such words anywhere in the logs");
    assert.equal(nothing.status, 1);
    assert.match(nothing.output, /Nothing found/);
    assert.match(checkout.npm("logs:search").output, /TEXT is missing/);
    assert.match(checkout.npm("logs:search", "a", "--since", "yesterday").output, /not a time such as 90s or 7d/);
  });

  it("come from all nodes, and not from the stack that collects them", () => {
    const { answer } = elasticsearch(`${dataStream}/_search`, {
      body: {
        size: 0,
        aggs: {
          nodes: { terms: { field: "kubernetes.node.name" } },
          namespaces: { terms: { field: "kubernetes.namespace" } },
        },
      },
    });
    const { aggregations } = answer as {
      aggregations: Record<string, { buckets: { key: string; doc_count: number }[] }>;
    };
    const keys = (name: string) => (aggregations[name]?.buckets ?? []).map(({ key }) => key).sort();
    assert.deepEqual(
      keys("nodes"),
      ["control-plane", "worker", "worker2"].map((name) => `${clusterName}-${name}`).sort(),
    );
    assert.ok(keys("namespaces").includes("kube-system"));
    assert.ok(!keys("namespaces").includes("logging"));
  });

  it("keep odd lines: long ones, stack traces, plain text, and JSON of clashing types", async () => {
    const name = "odd-lines";
    const script = `
      const trace = ["java.lang.IllegalStateException: trace of 30 lines"];
      for (let line = 1; line < 30; line += 1) trace.push("\\tat com.example.Frame" + line + "(Frame.java:" + line + ")");
      const lines = ["long " + "x".repeat(40 * 1024), JSON.stringify({ msg: "long JSON " + "y".repeat(40 * 1024) }),
        ...trace, "plain text, no JSON", JSON.stringify({ msg: "status is a number", status: 200, user: "ada" }),
        JSON.stringify({ msg: "status is text", status: "fine", user: { name: "ada" } }),
        JSON.stringify({ msg: "deep", deep: JSON.parse("{\\"a\\":".repeat(50) + "1" + "}".repeat(50)) }),
        JSON.stringify({ msg: "after them", status: 204 })];
      for (const line of lines) process.stdout.write(line + "\\n");
      setTimeout(() => {}, 5000);`;
    const jsonOf = (record: LogRecord) => (record as { json?: Record<string, unknown> }).json ?? {};
    runPod(name, script);
    await until("the odd lines are found", 60, () => search(ofPod(name)).length >= 8);
    const records = search(ofPod(name));
    const one = (text: string) => {
      const found = records.filter(({ message }) => message.includes(text));
      assert.equal(found.length, 1, text);
      const [record] = found;
      assert.ok(record);
      return record;
    };
    assert.equal(one("long x").message.length, 5 + 40 * 1024);
    assert.equal(one("long JSON").message.length, 10 + 40 * 1024);
    assert.equal(one("trace of 30 lines").message.split("\n").length, 30);
    one("plain text, no JSON");
    // The field keeps its type below `json`, which is mapped as one flattened field.
    assert.deepEqual(jsonOf(one("status is a number")).status, 200);
    assert.deepEqual(jsonOf(one("status is text")).status, "fine");
    one("deep");
    assert.deepEqual(jsonOf(one("after them")).status, 204);
    assert.equal(records.length, 8);
  });

  it("lose and double none of 20,000 lines while Elasticsearch is away, Fluentd and Elasticsearch are replaced", async () => {
    const name = "numbered-lines";
    const count = 20_000;
    // 1000 lines a second, until the kubelet rotates the file.
    const script = `
      let next = 0;
      const timer = setInterval(() => {
        for (let i = 0; i < 100; i += 1, next += 1) {
          const text = "number " + next + " " + "z".repeat(600);
          console.log(next % 2 ? text : JSON.stringify({ msg: text }));
        }
        if (next === ${String(count)}) { clearInterval(timer); setTimeout(() => {}, 300000); }
      }, 100);`;
    logging("scale", "statefulset/elasticsearch", "--replicas=0", "--timeout=60s");
    const away = Date.now();
    runPod(name, script);
    const fluentd = logging(
      ...["get", "pods", "--selector", "app.kubernetes.io/name=fluentd", "--output", "name"],
      ...["--field-selector", `spec.nodeName=${clusterName}-worker`],
    );
    checkout.kubectl("--namespace", "default", "wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s");
    await until("half of the lines are written", 60, () =>
      /number 1\d{4} /.test(checkout.kubectl("--namespace", "default", "logs", name, "--tail", "1")),
    );
    await new Promise((resolve) => setTimeout(resolve, 8000));
    logging("delete", fluentd, "--wait=false");
    report(`deleted ${fluentd} ${((Date.now() - away) / 1000).toFixed(0)} s after Elasticsearch had gone`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, away + 120_000 - Date.now())));
    logging("scale", "statefulset/elasticsearch", "--replicas=1");
    logging("rollout", "status", "statefulset/elasticsearch", "--timeout=180s");
    // The pod is replaced while it reads the backlog.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    logging("delete", "pod/elasticsearch-0", "--wait=false");
    const numbers = () =>
      search(ofPod(name)).map(({ message }) => Number(/^number (\d+) z+$/.exec(message)?.[1] ?? NaN));
    await until("all lines are found", 240, () => {
      try {
        const { answer } = elasticsearch(`${dataStream}/_count`, { body: { query: ofPod(name) } });
        return Number((answer as { count?: number }).count) >= count;
      } catch {
        // The pod is being replaced.
        return false;
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const found = numbers().sort((one, other) => one - other);
    report(`found ${String(found.length)} of ${String(count)}, ${String(new Set(found).size)} different`);
    assert.equal(found.length, count);
    found.forEach((number, index) => {
      assert.equal(number, index);
    });
    const files = docker("exec", `${clusterName}-worker`, "sh", "-c", `ls /var/log/pods/default_${name}_*/writer`);
    report(`log files of the pod: ${files.replaceAll("\n", ", ")}`);
    assert.ok(files.includes("\n"), "the log was not rotated");
  });

  it("are shown by Kibana on its port, on this machine only", async () => {
    const authorization = `Basic ${Buffer.from(`elastic:${passwords.elastic}`).toString("base64")}`;
    const kibana = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${String(kibanaPort)}${path}`, {
        headers: { authorization, connection: "close" },
      });
      assert.equal(response.status, 200, path);
      return JSON.stringify(await response.json());
    };
    await kibana("/api/status");
    assert.match(await kibana("/api/saved_objects/index-pattern/koa-blog-logs"), /"title":"logs-kubernetes-default"/);
    assert.match(await kibana("/api/saved_objects/dashboard/koa-blog"), /"title":"Blog"/);
    const published = docker("port", `${clusterName}-control-plane`, "30601/tcp");
    assert.equal(published, `127.0.0.1:${String(kibanaPort)}`);
  });

  it("fit into the memory that they are given", () => {
    const nodes = ["control-plane", "worker", "worker2"].map((node) => `${clusterName}-${node}`);
    const pods = nodes.flatMap((node) => {
      const summary = checkout.kubectl("get", "--raw", `/api/v1/nodes/${node}/proxy/stats/summary`);
      return (JSON.parse(summary) as Summary).pods.filter(({ podRef }) => podRef.namespace === "logging");
    });
    for (const { podRef, memory } of pods) {
      if (memory) report(`${podRef.name}: ${(memory.workingSetBytes / 2 ** 20).toFixed(0)} MiB`);
    }
    const restarts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}";
    assert.match(logging("get", "pods", "--output", restarts), /^[0 ]+$/);
  });

  it("are kept for another time", () => {
    checkout.configure({ logRetentionDays: 3 });
    checkout.succeeds("up");
    const { answer } = elasticsearch("/_ilm/policy/koa-blog-logs");
    assert.match(JSON.stringify(answer), /"min_age":"3d"/);
  });

  it("go with the setting that leaves them out, and the blog stays", async () => {
    checkout.configure({ logging: false });
    checkout.succeeds("up");
    assert.equal((await new Client(checkout.url).get("/")).status, 200);
    assert.ok(!checkout.kubectl("get", "namespaces").includes("logging"));
    const { status, output } = checkout.npm("logs:search", "anything");
    assert.notEqual(status, 0);
    assert.match(output, /collects no logs/);
  });
});

interface Secret {
  data?: Record<string, string>;
}

interface Asked {
  body?: unknown;
  user?: string;
  password?: string;
}
