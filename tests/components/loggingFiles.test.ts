import assert from "node:assert/strict";

import { render, renderFolder, requestsOf } from "../../components/loggingFiles.ts";
import { loggingNames } from "../../components/loggingNames.ts";

const placeholders = {
  ...loggingNames,
  namespace: "logging",
  elasticsearchHost: "elasticsearch",
  stateFolder: "/var/lib/fluentd",
  bufferLimit: "256m",
  retentionDays: "3",
  rolloverSize: "500mb",
};

describe("The files below logging/", () => {
  it("get their placeholders filled in, and name one that has no value", () => {
    assert.equal(render("a {{b}} ${c} #{d} {{b}}", { b: "1" }), "a 1 ${c} #{d} 1");
    assert.throws(() => render("{{c}}", { b: "1" }), /\{\{c\}\} has no value: expected one of b$/);
  });

  it("configure Fluentd with the settings", () => {
    const files = renderFolder("logging/fluentd", ".conf", placeholders);
    assert.deepEqual(Object.keys(files), [
      "buffer.conf",
      "elasticsearch.conf",
      "fluent.conf",
      "input.conf",
      "join.conf",
      "monitor.conf",
      "output.conf",
      "record.conf",
      "rejected.conf",
    ]);
    const text = Object.values(files).join("\n");
    assert.ok(!text.includes("{{n"), "a placeholder is left");
    assert.match(files["input.conf"] ?? "", /exclude_path \["\/var\/log\/pods\/logging_\*\/\*\/\*"/);
    assert.match(files["output.conf"] ?? "", /total_limit_size 256m/);
    assert.match(files["elasticsearch.conf"] ?? "", /^host elasticsearch$/m);
    for (const included of text.matchAll(/@include (\S+)/g)) assert.ok(files[included[1] ?? ""], included[1]);
  });

  it("ask of Elasticsearch a policy, a template, the stream, and who may do what, in this order", () => {
    const requests = requestsOf("logging/elasticsearch", placeholders);
    assert.deepEqual(
      requests.map(({ method, path }) => `${method} ${path}`),
      [
        "PUT /_ilm/policy/koa-blog-logs",
        "PUT /_index_template/koa-blog-logs",
        "PUT /_data_stream/logs-kubernetes-default",
        "PUT /_security/role/koa-blog-fluentd",
        "PUT /_security/user/koa-blog-fluentd",
        "POST /_security/user/kibana_system/_password",
      ],
    );
    const [policy, template, , role, user, kibana] = requests.map(({ body }) => body);
    const { phases } = (policy as { policy: { phases: Record<string, unknown> } }).policy;
    assert.deepEqual(phases, {
      hot: { min_age: "0ms", actions: { rollover: { max_age: "1d", max_primary_shard_size: "500mb" } } },
      delete: { min_age: "3d", actions: { delete: {} } },
    });
    const { index_patterns, template: inner } = template as {
      index_patterns: string[];
      template: { settings: Record<string, unknown>; mappings: { dynamic: unknown } };
    };
    assert.deepEqual(index_patterns, ["logs-kubernetes-default"]);
    assert.equal(inner.settings["index.number_of_replicas"], 0);
    assert.equal(inner.settings["index.lifecycle.name"], "koa-blog-logs");
    assert.equal(inner.mappings.dynamic, false);
    assert.deepEqual(role, {
      cluster: [],
      indices: [{ names: ["logs-kubernetes-default"], privileges: ["create_doc", "auto_configure"] }],
    });
    assert.deepEqual((user as { password: string; roles: string[] }).roles, ["koa-blog-fluentd"]);
    assert.equal((user as { password: string }).password, "$FLUENTD_PASSWORD");
    assert.deepEqual(kibana, { password: "$KIBANA_PASSWORD" });
  });

  it("map every field that Fluentd writes", () => {
    const template = requestsOf("logging/elasticsearch", placeholders)[1]?.body as {
      template: { mappings: { properties: Record<string, unknown> } };
    };
    const record = renderFolder("logging/fluentd", ".conf", placeholders)["record.conf"] ?? "";
    const ecs = record.slice(record.indexOf("@id ecs"));
    const written = [...ecs.matchAll(/^ {6}(\w+) \$\{/gm)].map(([, name]) => name);
    assert.deepEqual(
      Object.keys(template.template.mappings.properties).sort(),
      ["@timestamp", "tags", ...written].sort(),
    );
  });

  it("give Kibana a data view, and a dashboard all of whose panels are there, on fields that are mapped", () => {
    const [view, dashboards] = requestsOf("logging/kibana", placeholders);
    const { override, data_view: dataView } = view?.body as {
      override: boolean;
      data_view: { id: string; title: string; timeFieldName: string };
    };
    assert.equal(override, true);
    assert.equal(dataView.title, "logs-kubernetes-default");
    assert.equal(dataView.timeFieldName, "@timestamp");
    const objects = dashboards?.savedObjects ?? [];
    const keys = objects.map(({ type, id }) => `${type}:${id}`);
    assert.deepEqual(keys, [
      "search:koa-blog-errors",
      "search:koa-blog-logs",
      "visualization:koa-blog-requests",
      "visualization:koa-blog-latency",
      "visualization:koa-blog-routes",
      "visualization:koa-blog-lines",
      "dashboard:koa-blog",
    ]);
    for (const { references } of objects) {
      for (const { type, id } of references) {
        assert.ok(type === "index-pattern" ? id === dataView.id : keys.includes(`${type}:${id}`), `${type}:${id}`);
      }
    }
    const template = requestsOf("logging/elasticsearch", placeholders)[1]?.body as {
      template: { mappings: Mapping };
    };
    const mapped = fieldsOf(template.template.mappings);
    const used = objects.flatMap(({ attributes }) => [
      ...((attributes.columns as string[] | undefined) ?? []),
      ...[...String(attributes.visState).matchAll(/"field":"([^"]+)"/g)].map(([, field]) => field ?? ""),
    ]);
    assert.ok(used.length > 10);
    for (const field of used) assert.ok(mapped.includes(field), `${field} is not mapped`);
  });

  it("number a visualization's aggregations, its metrics first", () => {
    const objects = requestsOf("logging/kibana", placeholders)[1]?.savedObjects ?? [];
    const latency = objects.find(({ id }) => id === "koa-blog-latency");
    const { aggs } = JSON.parse(String(latency?.attributes.visState)) as { aggs: Record<string, unknown>[] };
    assert.deepEqual(
      aggs.map(({ id, schema, type }) => [id, schema, type]),
      [
        ["1", "metric", "percentiles"],
        ["2", "segment", "date_histogram"],
      ],
    );
  });
});

interface Mapping {
  properties?: Record<string, Mapping>;
}

/** Names of the fields of a mapping, with dots. */
function fieldsOf({ properties = {} }: Mapping): string[] {
  return Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties ? fieldsOf(inner).map((field) => `${name}.${field}`) : [name],
  );
}
