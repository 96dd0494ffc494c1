import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { configDefaults, projectFolder } from "../../scripts/lib/project.ts";

const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");

const { customManagers } = JSON.parse(read("renovate.json")) as {
  customManagers: { description: string; managerFilePatterns: string[]; matchStrings: string[] }[];
};

/** The versions that a custom manager of Renovate finds. Each of its patterns names one file. */
function findings({ managerFilePatterns, matchStrings }: (typeof customManagers)[number]) {
  return managerFilePatterns.map((pattern) => {
    const path = pattern.replaceAll(/^\/\^|\$\/$|\\/g, "");
    const found = matchStrings.flatMap((match) => [...read(path).matchAll(new RegExp(match, "g"))]);
    return { path, versions: found.map(({ groups }) => `${groups?.depName ?? ""}:${String(groups?.currentValue)}`) };
  });
}

describe("renovate.json", () => {
  it("finds a version in each file that it names", () => {
    const empty = customManagers.flatMap(findings).filter(({ versions }) => versions.length === 0);
    assert.deepEqual(empty, []);
  });

  it("finds the default of each setting that is an image with a tag", () => {
    const [declared] = customManagers.flatMap(findings).filter(({ path }) => path === "Pulumi.yaml");
    const images = Object.values(configDefaults()).filter((value) => /^[\w./-]+:[^/]+$/.test(String(value)));
    assert.deepEqual(
      declared?.versions,
      images.map((image) => String(image).replace(/@.*/, "")),
    );
  });

  it("finds the registry of components/kind, which is that of the settings", () => {
    const found = customManagers.flatMap(findings).filter(({ path }) => path.startsWith("components/kind/"));
    const [image] = new Set(found.flatMap(({ versions }) => versions));
    assert.equal(image, configDefaults().registryImage);
    assert.deepEqual(
      found.map(({ versions }) => versions.length),
      [2, 1],
    );
  });
});

describe("The version of Node.js for development", () => {
  it("is that of the blog's image", () => {
    assert.equal(String(configDefaults().baseImage), `node:${read(".nvmrc").trim()}-trixie-slim`);
  });
});
