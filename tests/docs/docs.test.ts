import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { configDefaults, projectFolder } from "../../scripts/lib/project.ts";
import { settingsFile, settingsPage } from "../../scripts/settingsTable.ts";

const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");

describe("The documentation", () => {
  it("links to files and headings that exist", () => {
    // New files are those that git does not track yet.
    const list = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.md"];
    const files = execFileSync("git", list, { cwd: projectFolder, encoding: "utf8" }).split("\n");
    const broken = files
      .filter((path) => path && existsSync(join(projectFolder, path)))
      .flatMap((path) => linksOf(read(path)).map((link) => ({ path, link })))
      .filter(({ path, link }) => !leadsSomewhere(path, link));
    assert.deepEqual(broken, []);
  });

  it('has the settings page that "npm run docs:settings" writes from Pulumi.yaml', async () => {
    assert.equal(readFileSync(settingsFile, "utf8"), await settingsPage(), 'run "npm run docs:settings"');
  });
});

/** Targets of links and pictures within the project. */
function linksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^( *)```[^]*?^\1```/gm, "").replaceAll(/`[^`\n]*`(?!\])/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target).filter((link) => !/^\w+:/.test(link));
}

function leadsSomewhere(from: string, link: string): boolean {
  const [target = "", anchor] = link.split("#");
  const path = target ? join(dirname(from), target) : from;
  // On GitHub, this is the page of a workflow.
  const workflow = /^\.\.\/\.\.\/actions\/workflows\/([\w.]+)/.exec(target)?.[1];
  if (workflow !== undefined) return existsSync(join(projectFolder, ".github/workflows", workflow));
  if (!existsSync(join(projectFolder, path))) return false;
  if (anchor === undefined) return true;
  // The anchors that GitHub generates for headings.
  const headings = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  const anchors = headings.map((heading) => heading.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
  return anchors.includes(anchor);
}

it("renovate.json finds each image, the registry of components/kind, and the same Node.js everywhere", () => {
  const { customManagers } = JSON.parse(read("renovate.json")) as {
    customManagers: { managerFilePatterns: string[]; matchStrings: string[] }[];
  };
  // Each pattern names one file.
  const found = customManagers.flatMap(({ managerFilePatterns, matchStrings }) =>
    managerFilePatterns.map((pattern) => {
      const path = pattern.replaceAll(/^\/\^|\$\/$|\\/g, "");
      const matches = matchStrings.flatMap((match) => [...read(path).matchAll(new RegExp(match, "g"))]);
      return {
        path,
        versions: matches.map(({ groups }) => `${groups?.depName ?? ""}:${String(groups?.currentValue)}`),
      };
    }),
  );
  const versionsOf = (folder: string) => found.filter(({ path }) => path.startsWith(folder)).map((it) => it.versions);
  assert.ok(found.every(({ versions }) => versions.length > 0));
  const images = Object.values(configDefaults()).filter((value) => /^[\w./-]+:[^/]+$/.test(String(value)));
  assert.deepEqual(
    versionsOf("Pulumi.yaml").flat(),
    images.map((image) => String(image).replace(/@.*/, "")),
  );
  const { registryImage, baseImage } = configDefaults();
  assert.deepEqual(versionsOf("components/kind/").flat(), [registryImage, registryImage, registryImage]);
  assert.equal(baseImage, `node:${read(".nvmrc").trim()}-trixie-slim`);
});
