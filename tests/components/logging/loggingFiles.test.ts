import assert from "node:assert/strict";

import { render, renderFolder } from "../../../components/logging/loggingFiles.ts";
import { loggingNames } from "../../../components/logging/loggingNames.ts";

const placeholders = {
  ...loggingNames,
  namespace: "logging",
  elasticsearchHost: "elasticsearch",
  stateFolder: "/var/lib/fluentd",
  bufferLimit: "256m",
  retentionDays: "3",
  rolloverSize: "500mb",
};

interface Request {
  method: string;
  path: string;
  body?: string;
  savedObjects?: string;
}

/** The requests of a folder, with their bodies and the objects that Kibana exported. */
function requestsOf(folder: string) {
  const files = renderFolder(folder, placeholders);
  const read = (name: string) => {
    const text = files[name];
    assert.ok(text, `${folder}/${name} is missing`);
    return text;
  };
  const requests = JSON.parse(read("requests.json")) as Request[];
  return requests.map(({ body, savedObjects, ...request }) => ({
    ...request,
    body: body === undefined ? undefined : (JSON.parse(read(body)) as unknown),
    savedObjects: savedObjects === undefined ? [] : exportedObjects(read(savedObjects)),
  }));
}

interface SavedObject {
  type: string;
  id: string;
  attributes: Record<string, unknown>;
  references: { name: string; type: string; id: string }[];
}

/** The objects of an export. The last line is a summary and left out. */
function exportedObjects(ndjson: string): SavedObject[] {
  const lines = ndjson.trimEnd().split("\n");
  return lines
    .map((line) => JSON.parse(line) as SavedObject)
    .filter(({ type }) => (type as string | undefined) !== undefined);
}

describe("The files below logging/", () => {
  it("get their placeholders filled in, and name one that has no value", () => {
    assert.equal(render("a {{b}} ${c} #{d} {{b}}", { b: "1" }), "a 1 ${c} #{d} 1");
    assert.throws(() => render("{{c}}", { b: "1" }), /\{\{c\}\} has no value\. Use one of: b\.$/);
  });

  it("configure Fluentd with the settings", () => {
    const files = renderFolder("logging/fluentd", placeholders);
    assert.deepEqual(Object.keys(files), ["filter.conf", "fluent.conf", "input.conf", "output.conf"]);
    const text = Object.values(files).join("\n");
    assert.ok(!text.includes("{{n"), "a placeholder is left");
    assert.match(files["input.conf"] ?? "", /exclude_path \["\/var\/log\/pods\/logging_\*\/\*\/\*"/);
    assert.match(files["output.conf"] ?? "", /total_limit_size 256m/);
    assert.match(files["output.conf"] ?? "", /^ {4}host elasticsearch$/m);
    for (const included of text.matchAll(/@include (\S+)/g)) assert.ok(files[included[1] ?? ""], included[1]);
  });

  it("send what Elasticsearch rejected as they send everything else, from a buffer of 64 MB", () => {
    const output = renderFolder("logging/fluentd", placeholders)["output.conf"] ?? "";
    const [first = [], second = [], ...others] = [...output.matchAll(/<match \*\*>([^]*?)<\/match>/g)].map(
      ([, text = ""]) =>
        text
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== "" && !line.startsWith("#")),
    );
    assert.deepEqual(others, []);
    assert.ok(first.length > 20);
    const own: Record<string, string> = {
      "@id elasticsearch": "@id elasticsearch_rejected",
      "total_limit_size 256m": "total_limit_size 64m",
    };
    assert.deepEqual(
      first.map((line) => own[line] ?? line),
      second,
    );
  });

  it("ask of Elasticsearch a policy, a template, the stream, and who may do what, in this order", () => {
    const requests = requestsOf("logging/elasticsearch");
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
    const template = requestsOf("logging/elasticsearch")[1]?.body as {
      template: { mappings: { properties: Record<string, unknown> } };
    };
    const filters = renderFolder("logging/fluentd", placeholders)["filter.conf"] ?? "";
    // The filter with this id removes all other fields of a record. "ecs" is an intermediate value.
    const names = filters.slice(filters.indexOf("@id names"));
    const written = [...names.matchAll(/^ {6}(\w+) "?\$\{/gm)].map(([, name]) => name).filter((name) => name !== "ecs");
    assert.deepEqual(
      Object.keys(template.template.mappings.properties).sort(),
      ["@timestamp", "tags", ...written].sort(),
    );
  });

  it("give Kibana a data view, and a dashboard all of whose panels are there, on fields that are mapped", () => {
    const [request, ...others] = requestsOf("logging/kibana");
    assert.deepEqual([request?.method, request?.path], ["POST", "/api/saved_objects/_import?overwrite=true"]);
    assert.deepEqual(others, []);
    const objects = request?.savedObjects ?? [];
    const keys = objects.map(({ type, id }) => `${type}:${id}`);
    assert.deepEqual(keys, [
      "index-pattern:koa-blog-logs",
      "search:koa-blog-errors",
      "search:koa-blog-logs",
      "visualization:koa-blog-requests",
      "visualization:koa-blog-latency",
      "visualization:koa-blog-routes",
      "visualization:koa-blog-lines",
      "dashboard:koa-blog",
    ]);
    assert.equal(objects[0]?.attributes.title, loggingNames.dataStream);
    assert.equal(objects[0].attributes.timeFieldName, "@timestamp");
    for (const { references } of objects) {
      for (const { type, id } of references) {
        assert.ok(keys.includes(`${type}:${id}`), `${type}:${id}`);
      }
    }
    const template = requestsOf("logging/elasticsearch")[1]?.body as {
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
});

interface Mapping {
  properties?: Record<string, Mapping>;
}

/** Names of the fields of a mapping, in dot notation. */
function fieldsOf({ properties = {} }: Mapping): string[] {
  return Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties ? fieldsOf(inner).map((field) => `${name}.${field}`) : [name],
  );
}
