import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { type Registered, runExisting, runProgram, secretValue } from "../components/program.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

/** Target kind with logging, and target existing with all optional features. */
const programs = {
  kind: () => runProgram(),
  existing: () =>
    runExisting({
      ...{ maxReplicas: "6", expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" },
      logging: "true",
    }),
};

/** Writes the Kubernetes objects of each target to a file, and returns the paths. */
export async function writeManifests(): Promise<string[]> {
  const folder = temporaryFolder();
  const files: string[] = [];
  for (const [target, run] of Object.entries(programs)) {
    const { resources } = await run();
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(manifest);
    const file = join(folder, `${target}.yaml`);
    writeFileSync(file, objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n"));
    files.push(file);
  }
  return files;
}

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
