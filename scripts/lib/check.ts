import { preflight, report } from "./preflight.ts";
import { settings, type Settings } from "./project.ts";

/**
 * Prints what is in the way of a run, or everything that was looked at.
 *
 * @throws Error if there is a problem that a run would fail of
 */
export async function check({ quiet }: { quiet: boolean }, config: Settings = settings()): Promise<void> {
  const findings = await preflight(config);
  const shown = findings.filter(({ level }) => !quiet || level !== "ok");
  if (shown.length > 0) console[quiet ? "error" : "log"](report(shown));
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (problems > 0) throw new Error(`${String(problems)} problem(s) to solve first.`);
}
