import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { stringify } from "yaml";

import { type Registered, runExisting, runProgram, secretValue } from "../components/program.ts";
import { temporaryFolder } from "../temporaryFolder.ts";
import { exceptions } from "./exceptions.ts";

/** The object that the provider would send to the API server. */
function manifest({ type, name, inputs }: Registered): object {
  const [, apiVersion = "", kind = ""] = type.split(":");
  const { metadata, stringData, ...rest } = inputs as { metadata: object; stringData?: unknown };
  return {
    apiVersion: apiVersion.replace(/^core\//, ""),
    kind,
    metadata: { name: `${name}-auto`, ...metadata },
    ...(stringData !== undefined && { stringData: secretValue(stringData) }),
    ...rest,
  };
}

/** An object and a check, without the generated parts of the object's name. */
function finding(kind: string, name: string, check: string): string {
  return `${kind} ${name.replace(/-[0-9a-f]{16}$/, "").replace(/(-job)?-auto$/, "")}: ${check}`;
}

/** Runs a scanner, and parses its output. Scanners exit with 1 when they find a problem. */
async function run<Report>(command: string, args: string[]): Promise<Report> {
  try {
    return JSON.parse((await promisify(execFile)(command, args, { maxBuffer: 2 ** 26 })).stdout) as Report;
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout: string };
    if (code !== 1 || stdout === "") throw error;
    return JSON.parse(stdout) as Report;
  }
}

interface Scored {
  type_meta: { kind: string };
  object_meta: { name: string };
  checks: { check: { id: string }; grade: number; skipped: boolean; comments: { summary: string }[] | null }[];
}

async function kubeScore(files: string[]): Promise<string[]> {
  const optional = ["container-seccomp-profile", "container-ports-check"];
  const options = ["--output-format", "json", ...optional.flatMap((test) => ["--enable-optional-test", test])];
  // In one run, the policies of one target would count for the other.
  const reports = await Promise.all(files.map((file) => run<Scored[]>("kube-score", ["score", ...options, file])));
  return reports.flat().flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) =>
    checks
      .filter(({ skipped, grade }) => !skipped && grade < 10)
      .map(({ check: { id }, comments }) => {
        const texts = (comments ?? []).map(({ summary }) => summary).join("; ");
        // This check has one text for ingress and another for egress.
        return finding(kind, name, id === "pod-networkpolicy" ? `${id}: ${texts}` : id);
      }),
  );
}

interface Report {
  results: { failed_checks: { check_id: string; resource: string }[] };
  summary: { passed: number; parsing_errors: number };
}

async function checkov(files: string[]): Promise<string[]> {
  // --skip-download prevents requests to the vendor of checkov.
  const options = ["--skip-download", "--compact", "--quiet", "--framework", "kubernetes", "--output", "json"];
  const { results, summary } = await run<Report>("checkov", [...options, "--file", ...files]);
  assert.ok(summary.passed > 0 && summary.parsing_errors === 0, "checkov has read the files");
  return results.failed_checks.map(({ check_id, resource }) => {
    const [kind = "", ...name] = resource.split(".");
    return finding(kind, name.at(-1) ?? "", check_id);
  });
}

describe("The manifests of all targets", () => {
  const files: string[] = [];

  before("write them to files", async () => {
    const folder = temporaryFolder();
    const ingress = { expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" };
    for (const [target, { resources }] of [
      ["kind", await runProgram()],
      ["existing", await runExisting({ ...ingress, maxReplicas: "6", logging: "true" })],
    ] as const) {
      const objects = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(manifest);
      const file = join(folder, `${target}.yaml`);
      writeFileSync(file, objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n"));
      files.push(file);
    }
  });

  for (const [scanner, scan] of Object.entries({ "kube-score": kubeScore, checkov })) {
    it(`have exactly the findings of ${scanner} that exceptions.ts explains`, async function () {
      const found = await scan(files).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        console.log(`      skipped, ${scanner} is not on PATH`);
        return this.skip();
      });
      const explained = Object.entries(exceptions)
        .filter(([check]) => check.startsWith("CKV") === (scanner === "checkov"))
        .flatMap(([check, objects]) => objects.map((object) => `${object}: ${check}`));
      assert.deepEqual([...new Set(found)].sort(), explained.sort());
    });
  }
});
