import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The texts of the placeholders `{{name}}` in `logging/`. */
export type Placeholders = Record<string, string>;

/**
 * Replaces each `{{name}}` with its text.
 *
 * @throws Error if a placeholder has no text
 */
export function render(template: string, placeholders: Placeholders): string {
  return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const text = placeholders[name];
    if (text === undefined)
      throw new Error(`${whole} has no value. Use one of: ${Object.keys(placeholders).join(", ")}.`);
    return text;
  });
}

/**
 * Contents of a folder's files with placeholders replaced, by name. The requests in `requests.json` are documented
 * below https://www.elastic.co/guide/en/
 * - elasticsearch/reference/8.19/ilm-put-lifecycle.html
 * - elasticsearch/reference/8.19/indices-put-template.html and set-up-a-data-stream.html
 * - elasticsearch/reference/8.19/security-api-put-role.html, security-api-put-user.html and
 *   security-api-change-password.html
 * - elasticsearch/reference/8.19/security-privileges.html
 * - kibana/8.19/saved-objects-api-import.html
 */
export function renderFolder(folder: string, placeholders: Placeholders): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, render(readFileSync(join(folder, name), "utf8"), placeholders)]),
  );
}
