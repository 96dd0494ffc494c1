import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { savedObjects, type Dashboards, type SavedObject } from "./kibanaObjects.ts";

/** What the files below `logging/` leave open: the text that each `{{name}}` stands for. */
export type Placeholders = Record<string, string>;

/**
 * One request of `logging/apply.mts`. Those of `logging/` are documented at https://www.elastic.co/guide/en/
 * - elasticsearch/reference/8.19/ilm-put-lifecycle.html
 * - elasticsearch/reference/8.19/indices-put-template.html and set-up-a-data-stream.html
 * - elasticsearch/reference/8.19/security-api-put-role.html, security-api-put-user.html and
 *   security-api-change-password.html; the privileges at security-privileges.html
 * - kibana/8.19/data-views-api-create.html and saved-objects-api-import.html
 */
export interface ApiRequest {
  method: string;
  path: string;
  body?: unknown;
  savedObjects?: SavedObject[];
  accept?: string;
}

/**
 * Puts texts in the place of `{{name}}`.
 *
 * @throws Error that names the placeholder that has no text
 */
export function render(template: string, placeholders: Placeholders): string {
  return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const text = placeholders[name];
    if (text === undefined)
      throw new Error(`${whole} has no value: expected one of ${Object.keys(placeholders).join(", ")}`);
    return text;
  });
}

/** The files of a folder that have an extension, rendered, by name. */
export function renderFolder(folder: string, extension: string, placeholders: Placeholders): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(extension));
  return Object.fromEntries(
    names.sort().map((name) => [name, render(readFileSync(join(folder, name), "utf8"), placeholders)]),
  );
}

/**
 * The requests of a folder's `requests.json`, each with what the files that it names contain.
 *
 * @throws Error that names a file that is missing
 */
export function requestsOf(folder: string, placeholders: Placeholders): ApiRequest[] {
  const files = renderFolder(folder, ".json", placeholders);
  const read = (name: string): unknown => {
    const text = files[name];
    if (text === undefined) throw new Error(`${join(folder, name)} is missing`);
    return JSON.parse(text);
  };
  const requests = read("requests.json") as (Omit<ApiRequest, "savedObjects"> & { savedObjects?: string })[];
  return requests.map(({ body, savedObjects: dashboard, ...request }) => ({
    ...request,
    ...(body !== undefined && { body: read(body as string) }),
    ...(dashboard !== undefined && {
      savedObjects: savedObjects(read(dashboard) as Dashboards, placeholders.dataView ?? ""),
    }),
  }));
}
