import { HtmlValidate, Parser } from "html-validate";

const validator = new HtmlValidate({ extends: [] });

/** What readers' texts and the time put into attributes; no browser runs any of it. */
const texts = new Set(["value", "aria-label", "datetime"]);

/**
 * The elements of a page with their attributes, in order: all that a browser would run, follow or send. Two pages that differ
 * only in readers' texts have the same.
 */
export async function elements(page: string): Promise<string[]> {
  const parser = new Parser(await validator.getConfigFor("page.html"));
  return parser
    .parseHtml(page)
    .querySelectorAll("*")
    .map(({ tagName, attributes }) =>
      [
        tagName,
        ...attributes.map(({ key, value }) =>
          texts.has(key) ? key : `${key}=${typeof value === "string" ? value : (value?.toString() ?? "")}`,
        ),
      ].join(" "),
    );
}

const entities: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&#96;": "`",
  "&#92;": "\\",
  "&amp;": "&",
};

/** What a reader reads: the page with its character references resolved. */
export function unescaped(page: string): string {
  return page.replace(/&(?:lt|gt|quot|#39|#96|#92|amp);/g, (entity) => entities[entity] ?? entity);
}
