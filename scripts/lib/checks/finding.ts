/** Result of one check. A problem stops `npm run up`, a warning does not. */
export interface Finding {
  level: "ok" | "warning" | "problem";
  message: string;
  remedy?: string;
}

export const ok = (message: string): Finding => ({ level: "ok", message });
export const warning = (message: string, remedy: string): Finding => ({ level: "warning", message, remedy });
export const problem = (message: string, remedy: string): Finding => ({ level: "problem", message, remedy });

/** Prints all findings, or only warnings and problems. @throws Error if one is a problem */
export function conclude(findings: Finding[], { quiet = true } = {}): void {
  const shown = findings.filter(({ level }) => !quiet || level !== "ok");
  if (shown.length > 0) console[quiet ? "error" : "log"](report(shown));
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (problems > 0) throw new Error(`${String(problems)} problem(s) to fix first.`);
}

export function report(findings: Finding[]): string {
  const mark = { ok: "✓", warning: "!", problem: "✗" };
  return findings
    .map(({ level, message, remedy }) => `${mark[level]} ${message}${remedy ? `\n    → ${remedy}` : ""}`)
    .join("\n");
}
