import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { projectFolder } from "../../scripts/lib/project.ts";
import { mean, sentencesOf, tableSentencesOf, wordsOf } from "./sentences.ts";

const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");

/** Markdown files of the project, including new ones that git does not track yet. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.md"], {
  cwd: projectFolder,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path && existsSync(join(projectFolder, path)));

describe("The documentation", () => {
  it("has sentences of at most 15 words on average in each file, and none of more than 30", () => {
    const problems = files.flatMap((path) => {
      const sentences = sentencesOf(read(path));
      const average = sentences.length === 0 ? 0 : mean(sentences.map(wordsOf));
      const long = [...sentences, ...tableSentencesOf(read(path))].filter((sentence) => wordsOf(sentence) > 30);
      return [...long, ...(average > 15 ? [`${average.toFixed(1)} words per sentence`] : [])].map(
        (it) => `${path}: ${it}`,
      );
    });
    assert.deepEqual(problems, []);
  });

  it("links to files and headings that exist", () => {
    const broken = files.flatMap((path) =>
      linksOf(read(path)).flatMap((link) => (leadsSomewhere(path, link) ? [] : [`${path}: ${link}`])),
    );
    assert.deepEqual(broken, []);
  });

  it("has lines of at most 120 characters, except in tables and code", () => {
    const long = files.flatMap((path) =>
      withoutCode(read(path))
        .split("\n")
        .filter((line) => line.length > 120 && !line.startsWith("|"))
        .map((line) => `${path}: ${line}`),
    );
    assert.deepEqual(long, []);
  });

  it("has a README of at most 150 lines", () => {
    assert.ok(read("README.md").trimEnd().split("\n").length <= 150);
  });
});

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^( *)```[^]*?^\1```/gm, "");
}

/** Targets of links and pictures within the project. */
function linksOf(markdown: string): string[] {
  const text = withoutCode(markdown).replaceAll(/`[^`\n]*`(?!\])/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target).filter((link) => !/^\w+:/.test(link));
}

function leadsSomewhere(from: string, link: string): boolean {
  const [target = "", anchor] = link.split("#");
  const path = target ? join(dirname(from), target) : from;
  if (!existsSync(join(projectFolder, path))) return false;
  return anchor === undefined || anchorsOf(read(path)).includes(anchor);
}

/** The anchors that GitHub generates for headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
