import assert from "node:assert/strict";

import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: {
    // The original has these style issues too.
    "doctype-style": "off",
    "no-trailing-whitespace": "off",
    "prefer-button": "off",
    "long-title": "off",
  },
});

/** Fails unless the page is valid, accessible HTML. */
export async function assertValidHtml(page: string): Promise<void> {
  const report = await validator.validateString(page);
  const messages = report.results.flatMap(({ messages }) => messages);
  assert.deepEqual(
    messages.map(({ line, ruleId, message }) => `${String(line)}: ${ruleId}: ${message}`),
    [],
    page,
  );
}
