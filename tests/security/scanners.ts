import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A problem of an object that a scanner reports. */
export interface Finding {
  scanner: "kube-score" | "checkov";
  check: string;
  /** Kind and name. */
  object: string;
  text: string;
}

/** Runs a scanner and returns its output. Scanners exit with 1 when they find a problem. */
async function run(command: string, args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout: string; stderr: string };
    if (code !== 1 || stdout === "") throw new Error(`${command}: ${stderr || String(error)}`, { cause: error });
    return stdout;
  }
}

/** The reason why a scanner does not run here, or undefined. */
export async function scannerProblem(scanner: Finding["scanner"]): Promise<string | undefined> {
  try {
    await promisify(execFile)(scanner, [scanner === "checkov" ? "--version" : "version"]);
    return undefined;
  } catch {
    return `${scanner} is not on PATH`;
  }
}

/** Removes the generated parts of a name, which differ per image or run. */
function objectName(kind: string, name: string): string {
  return `${kind} ${name.replace(/-[0-9a-f]{16}$/, "").replace(/(-job)?-auto$/, "")}`;
}

interface Scored {
  type_meta: { kind: string };
  object_meta: { name: string };
  checks: { check: { id: string }; grade: number; skipped: boolean; comments: { summary: string }[] | null }[];
}

/** The grade of a check without problems. */
const GOOD = 10;

export async function kubeScore(file: string): Promise<Finding[]> {
  const optional = ["container-seccomp-profile", "container-ports-check"].flatMap((test) => [
    "--enable-optional-test",
    test,
  ]);
  const output = await run("kube-score", ["score", "--output-format", "json", ...optional, file]);
  return (JSON.parse(output) as Scored[]).flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ skipped, grade }) => !skipped && grade < GOOD)
      .map(({ check, comments }) => ({
        scanner: "kube-score" as const,
        check: check.id,
        object: objectName(type_meta.kind, object_meta.name),
        text: (comments ?? []).map(({ summary }) => summary).join("; "),
      })),
  );
}

interface Report {
  results: { failed_checks: { check_id: string; check_name: string; resource: string }[] };
  summary: { passed: number; parsing_errors: number };
}

export async function checkov(file: string): Promise<Finding[]> {
  // --skip-download prevents requests to the vendor of checkov.
  const quiet = ["--skip-download", "--compact", "--quiet"];
  const output = await run("checkov", ["--file", file, "--framework", "kubernetes", "--output", "json", ...quiet]);
  const { results, summary } = JSON.parse(output) as Report;
  if (summary.passed === 0 || summary.parsing_errors > 0) throw new Error(`checkov did not read ${file}`);
  return results.failed_checks.map(({ check_id, check_name, resource }) => {
    const [kind = "", ...name] = resource.split(".");
    return {
      scanner: "checkov",
      check: check_id,
      object: objectName(kind, name.at(-1) ?? ""),
      text: check_name,
    };
  });
}
