import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { HtmlValidate } from "html-validate";
import type { Browser, Page } from "playwright-core";

import type { Client, Reply } from "../client.ts";
import { hasChromium, openBrowser, violations } from "../e2e/browser.ts";
import { useBlog } from "./blog.ts";

const style = readFileSync(new URL("../../service/static/style.css", import.meta.url), "utf8");
const validator = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  // The original has these style issues too.
  rules: { "doctype-style": "off", "no-trailing-whitespace": "off", "prefer-button": "off", "long-title": "off" },
});
const expectedHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none';style-src 'self';img-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  // With `no-store`, the Back button would show an empty form.
  "cache-control": "private, no-cache",
  // With `no-referrer`, browsers send `Origin: null` with the blog's own forms.
  "referrer-policy": "same-origin",
  // HSTS would lock readers of plain HTTP out.
  "strict-transport-security": null,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-powered-by": null,
};

describe("Pages are valid, accessible and private", () => {
  const suite = useBlog();
  let browser: Browser | undefined;
  let page: Page | undefined;

  before("start Chromium", async () => {
    if (!hasChromium()) return;
    browser = await openBrowser();
    page = await browser.newPage();
  });
  after("stop Chromium", () => browser?.close());

  const empty = { username: "", password: "", title: "", body: "b" };
  const large = { username: "x".repeat(256 * 1024) };
  const foreign = { headers: { Origin: "http://evil.example" } };
  const pages: [name: string, status: number, user: string, get: (client: Client) => Promise<Reply>][] = [
    ["the index for an author", 200, "test", (client) => client.get("/")],
    ["the index without posts", 200, "", (client) => client.get("/?before=2000-01-01T00:00:00_1")],
    ["a post for its author", 200, "test", (client) => client.get("/1")],
    ["the login form with an error", 200, "", (client) => client.login("test", "wrong")],
    ["the registration form with an error", 200, "", (client) => client.post("/auth/register", empty)],
    ["the form of a new post", 200, "test", (client) => client.get("/create")],
    ["the form of a post with an error", 200, "test", (client) => client.post("/1/update", empty)],
    ["a Save after a logout elsewhere", 403, "", (client) => client.post("/create", empty)],
    ["a post of another site", 403, "test", (client) => client.post("/create", empty, foreign)],
    ["a missing page", 404, "", (client) => client.get("/no/where")],
    ["a form of more than 256 KiB", 413, "", (client) => client.post("/auth/login", large)],
  ];
  for (const [name, expected, user, get] of pages) {
    it(name, async () => {
      const { client } = suite;
      if (user !== "") await client.login(user, user);
      const { status, headers, text } = await get(client);
      assert.equal(status, expected, text);
      for (const [header, value] of Object.entries(expectedHeaders)) assert.equal(headers.get(header), value, header);
      assert.doesNotMatch(text, /<script|<style| style=| on\w+=/i, "the Content-Security-Policy forbids these");
      const { results } = await validator.validateString(text);
      const messages = results.flatMap((result) => result.messages);
      assert.deepEqual(
        messages.map(({ line, ruleId, message }) => `${String(line)}: ${ruleId}: ${message}`),
        [],
        text,
      );
      await page?.setContent(text.replace("</head>", `<style>${style}</style></head>`));
      if (page) assert.deepEqual(await violations(page), []);
    });
  }
});
