import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer.js";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema.js";

import * as kind from "../../../components/kind/index.ts";
import { projectFolder } from "../../../scripts/lib/project.ts";

interface Package {
  name: string;
  version: string;
  description: string;
}

describe("The schema of the kind package", () => {
  it("is the one that Pulumi generates from the source", () => {
    const folder = join(projectFolder, "components/kind");
    const readJson = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
    const packageJson = readJson("package.json") as Package;
    const { name, version, description } = packageJson;
    const analyzer = new Analyzer(folder, name, packageJson, new Set(Object.keys(kind)));
    const { components, typeDefinitions, dependencies } = analyzer.analyze();
    const schema = generateSchema(name, version, description, components, typeDefinitions, dependencies);
    const text = JSON.stringify(schema, undefined, 2);
    // npm run docs:schema
    if (process.env.WRITE_SCHEMA) writeFileSync(join(folder, "schema.json"), text);
    assert.deepEqual(readJson("schema.json"), JSON.parse(text), 'Run "npm run docs:schema".');
  });
});
