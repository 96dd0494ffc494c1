import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { type Browser, chromium, type Page } from "playwright-core";

/** Path of Chromium: `CHROMIUM`, or the distribution's. */
export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const hasChromium = () => existsSync(chromiumPath);

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Opens a browser without background requests. */
export function openBrowser(): Promise<Browser> {
  const quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: chromiumPath, args: [...quiet, "--disable-quic", "--no-first-run"] });
}

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/** The violations of accessibility rules that axe-core finds. */
export async function violations(page: Page): Promise<string[]> {
  // The page's Content-Security-Policy does not apply to scripts of the debugger.
  await page.evaluate(axe);
  const result = await page.evaluate("axe.run()");
  return (result as { violations: Violation[] }).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`,
  );
}

/** The width in pixels that overflows the window. */
export function overflow(page: Page): Promise<unknown> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
