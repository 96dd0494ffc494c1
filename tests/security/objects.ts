import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { existingConfig } from "../components/kubeconfig.ts";
import { runProgram, secretValue, type Registered } from "../components/program.ts";
import { temporaryFolder } from "../components/temporaryFolder.ts";

/** A cluster of its own with the logs, and a cluster that exists with all that the settings can ask of it. */
const programs = {
  kind: () => runProgram(),
  existing: () => {
    const { config, secrets } = existingConfig();
    const more = { maxReplicas: "6", expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" };
    return runProgram({ ...config, ...more, logging: "true" }, secrets);
  },
};

/** Writes what the program registers in Kubernetes into one file a target, and returns the files. */
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

/** As the provider would send it; an object without a name of its own gets one. */
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
