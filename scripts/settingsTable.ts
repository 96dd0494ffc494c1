// npm run docs:settings: writes docs/settings.md from the declarations in Pulumi.yaml.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { format } from "prettier";
import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";

import { projectFolder } from "./lib/project.ts";

export const settingsFile = join(projectFolder, "docs", "settings.md");

const introduction = `# Settings

<!-- Generated from Pulumi.yaml by "npm run docs:settings". Change the descriptions there. -->

Change a setting, then apply it:

\`\`\`sh
npm run pulumi -- config set replicas 3
npm run pulumi -- config set --secret mysqlPassword     # asks for the value
npm run up
\`\`\`

\`npm run preview\` shows the effect before \`npm run up\` applies it. A setting without a default is empty.
[Operations](operations.md) explains changes that recreate the cluster. Their posts need a backup.`;

/** The content of docs/settings.md. Each comment between the keys of Pulumi.yaml begins a table. */
export async function settingsPage(): Promise<string> {
  const document = parseDocument(readFileSync(join(projectFolder, "Pulumi.yaml"), "utf8"));
  const page = [introduction, ...tableHead("Platform")];
  for (const { key, value } of (document.get("config") as YAMLMap).items) {
    if (!isScalar(key) || !isMap(value)) throw new Error(`Pulumi.yaml: the key ${String(key)} has no declaration`);
    if (key.commentBefore) page.push(...tableHead(key.commentBefore.trim()));
    // Readers do not compare the 64 digits of a digest.
    const shown = String(value.get("default")).replace(/(?<=@sha256:[0-9a-f]{8})[0-9a-f]{56}$/, "…");
    const description = String(value.get("description")).replaceAll("|", "\\|");
    page.push(`| \`${String(key.value)}\` | ${shown && `\`${shown}\``} | ${description} |`);
  }
  // With Prettier's layout, `npm run format` does not change the page.
  return format(page.join("\n"), { parser: "markdown", printWidth: 120 });
}

function tableHead(title: string): string[] {
  return ["", `## ${title}`, "", "| Key | Default | Description |", "| --- | --- | --- |"];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(settingsFile, await settingsPage());
