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
const fieldsOf = ({ properties = {} }: Mapping): string[] =>
  Object.entries(properties).flatMap(([name, inner]) =>
    inner.properties ? fieldsOf(inner).map((field) => `${name}.${field}`) : [name],
  );

interface SavedObject {
  type: string;
  id: string;
  attributes: { title: string; columns?: string[]; visState?: string };
  references: { type: string; id: string }[];
}

describe("The files for Elasticsearch and Kibana", () => {
  const { index_patterns, template } = JSON.parse(read("elasticsearch/index-template.json")) as {
    index_patterns: string[];
    template: { settings: Record<string, unknown>; mappings: Mapping };
  };

  it("give the data stream a lifecycle, no replicas, and no new fields", () => {
    assert.deepEqual(index_patterns, ["logs-kubernetes-default"]);
    assert.equal(template.settings["index.lifecycle.name"], "koa-blog-logs");
    assert.equal(template.settings["index.number_of_replicas"], 0);
    assert.equal(template.mappings.dynamic, false);
  });

  it("map every field that Fluentd writes", () => {
    // The filter with this id removes all other fields of a record. "ecs" is an intermediate value.
    const filter = read("fluentd/filter.conf").split("@id names")[1] ?? "";
    const written = [...filter.matchAll(/^ {6}(?!ecs )(\w+) "?\$\{/gm)].map(([, name]) => name);
    assert.deepEqual(Object.keys(template.mappings.properties ?? {}).sort(), ["@timestamp", "tags", ...written].sort());
  });

  it("give Kibana a dashboard of the data stream, with panels that exist and fields that are mapped", () => {
    // The last line is a summary.
    const lines = read("kibana/dashboard.ndjson").trimEnd().split("\n").slice(0, -1);
    const objects = lines.map((line) => JSON.parse(line) as SavedObject);
    const keys = objects.map(({ type, id }) => `${type}:${id}`);
    assert.ok(keys.includes("dashboard:koa-blog"));
    assert.equal(objects.find(({ type }) => type === "index-pattern")?.attributes.title, "logs-kubernetes-default");
    for (const { attributes, references } of objects) {
      for (const { type, id } of references) assert.ok(keys.includes(`${type}:${id}`), id);
      const fields = [...(attributes.visState ?? "").matchAll(/"field":"([^"]+)"/g)].map(([, field = ""]) => field);
      for (const field of [...fields, ...(attributes.columns ?? [])]) {
        assert.ok(fieldsOf(template.mappings).includes(field), field);
      }
    }
  });
});
