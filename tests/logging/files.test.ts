import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";

const read = (path: string) => readFileSync(join(projectFolder, "logging", path), "utf8");

interface Mapping {
  dynamic?: unknown;
  properties?: Record<string, Mapping>;
}

/** Names of the fields of a mapping, in dot notation. */
function fieldsOf({ properties = {} }: Mapping): string[] {
  return Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties ? fieldsOf(inner).map((field) => `${name}.${field}`) : [name],
  );
}

interface SavedObject {
  type: string;
  id: string;
  attributes: Record<string, unknown>;
  references: { type: string; id: string }[];
}

describe("The files below logging/", () => {
  const { index_patterns, template } = JSON.parse(read("elasticsearch/index-template.json")) as {
    index_patterns: string[];
    template: { settings: Record<string, unknown>; mappings: Mapping };
  };

  it("apply one template to the data stream, without replicas on the only node and without new fields", () => {
    assert.deepEqual(index_patterns, ["logs-kubernetes-default"]);
    assert.equal(template.settings["index.number_of_replicas"], 0);
    assert.equal(template.settings["index.lifecycle.name"], "koa-blog-logs");
    assert.equal(template.mappings.dynamic, false);
  });

  it("map every field that Fluentd writes", () => {
    const filters = read("fluentd/filter.conf");
    // The filter with this id removes all other fields of a record. "ecs" is an intermediate value.
    const names = filters.slice(filters.indexOf("@id names"));
    const written = [...names.matchAll(/^ {6}(\w+) "?\$\{/gm)].map(([, name]) => name).filter((name) => name !== "ecs");
    assert.deepEqual(Object.keys(template.mappings.properties ?? {}).sort(), ["@timestamp", "tags", ...written].sort());
  });

  it("give Kibana a data view and a dashboard, with panels that exist and fields that are mapped", () => {
    const lines = read("kibana/dashboard.ndjson").trimEnd().split("\n");
    // The last line is a summary.
    const objects = lines.slice(0, -1).map((line) => JSON.parse(line) as SavedObject);
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
    assert.equal(objects[0]?.attributes.title, "logs-kubernetes-default");
    assert.equal(objects[0].attributes.timeFieldName, "@timestamp");
    const references = objects.flatMap((object) => object.references.map(({ type, id }) => `${type}:${id}`));
    assert.deepEqual(
      references.filter((reference) => !keys.includes(reference)),
      [],
    );
    const mapped = fieldsOf(template.mappings);
    const used = objects.flatMap(({ attributes }) => [
      ...((attributes.columns as string[] | undefined) ?? []),
      ...[...String(attributes.visState).matchAll(/"field":"([^"]+)"/g)].map(([, field]) => field ?? ""),
    ]);
    assert.ok(used.length > 10);
    assert.deepEqual(
      used.filter((field) => !mapped.includes(field)),
      [],
    );
  });
});
