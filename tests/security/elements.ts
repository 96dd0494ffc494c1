import { HtmlValidate, Parser } from "html-validate";

const validator = new HtmlValidate({ extends: [] });

/** Attributes with readers' texts or times, which no browser executes. */
const texts = new Set(["value", "aria-label", "datetime"]);

/** The elements of a page with their attributes. Pages that differ only in readers' texts have equal lists. */
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

/** The page with its character references resolved, as a reader sees it. */
export function unescaped(page: string): string {
  return page.replace(/&(?:lt|gt|quot|#39|#96|#92|amp);/g, (entity) => entities[entity] ?? entity);
}
