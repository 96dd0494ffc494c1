import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium, type Browser, type Page } from "playwright-core";

/** The Chromium to test with: `CHROMIUM`, or the distribution's. */
export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const hasChromium = () => existsSync(chromiumPath);

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Opens a browser that asks nobody but the blog. */
export function openBrowser(): Promise<Browser> {
  const quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: chromiumPath, args: [...quiet, "--disable-quic", "--no-first-run"] });
}

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/** The page's violations of accessibility rules, as axe-core finds them. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the page's content security policy does not bind.
  await page.evaluate(axe);
  const result = await page.evaluate("axe.run()");
  return (result as { violations: Violation[] }).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`,
  );
}

/** How many pixels the page is wider than the window. */
export function overflow(page: Page): Promise<unknown> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
