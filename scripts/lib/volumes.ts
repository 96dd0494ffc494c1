import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { kubectlCommand } from "./kubectl.ts";
import type { Finding } from "./preflight.ts";
import type { Settings } from "./project.ts";

const execute = promisify(execFile);

/** The fields of a PersistentVolumeClaim or a StorageClass that {@link volumeProblems} reads. */
export interface VolumeObject {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { storageClassName?: string; resources?: { requests?: { storage?: string } } };
  allowVolumeExpansion?: boolean;
}

/**
 * Checks that the volumes of the running stack can get their sizes. Pulumi's preview only warns, because the API server
 * answers "forbidden" (pulumi-kubernetes, provider.go).
 */
export async function checkVolumes(config: Settings): Promise<Finding[]> {
  if (config.target === "containers") return [];
  const [command = "", ...args] = kubectlCommand();
  const get = ["get", "persistentvolumeclaims,storageclasses", "--all-namespaces", "--output", "json"];
  try {
    const { stdout } = await execute(command, [...args, ...get], { maxBuffer: 2 ** 26 });
    return volumeProblems(config, (JSON.parse(stdout) as { items: VolumeObject[] }).items);
  } catch {
    // kubectl fails without a cluster. In a running cluster, the API server refuses a wrong size later.
    return [];
  }
}

/** A problem for each setting with a size that its volume cannot get. */
export function volumeProblems(
  config: Pick<Settings, "namespace" | "loggingNamespace" | "mysqlStorage" | "elasticsearchStorage">,
  objects: VolumeObject[],
): Finding[] {
  const volumes = [
    ["mysqlStorage", config.namespace, "data-mysql-0", "the data", '"npm run backup", '],
    ["elasticsearchStorage", config.loggingNamespace, "data-elasticsearch-0", "the logs", ""],
  ] as const;
  return volumes.flatMap(([key, namespace, name, data, backup]) => {
    const claim = objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    const present = claim?.spec?.resources?.requests?.storage;
    const wanted = config[key];
    if (present === undefined || bytes(wanted) === bytes(present)) return [];
    const className = claim?.spec?.storageClassName ?? "";
    const storageClass = objects.find(({ kind, metadata }) => kind === "StorageClass" && metadata.name === className);
    const grows = bytes(wanted) > bytes(present);
    if (grows && storageClass?.allowVolumeExpansion) return [];
    const reason = grows ? `the StorageClass ${className} cannot grow it` : "a volume cannot shrink";
    return [
      {
        level: "problem",
        message: `${key} is ${wanted}, the volume has ${present}, and ${reason}`,
        remedy:
          `Set it back: "npm run pulumi -- config set ${key} ${present}". Or recreate the stack without ${data}: ` +
          `${backup}"npm run destroy", "npm run up"${backup ? ', "npm run restore -- FILE"' : ""}`,
      },
    ];
  });
}

/** Converts a size such as 512Mi or 1Gi to bytes. */
function bytes(size: string): number {
  const units: Record<string, number> = { Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
  return parseInt(size, 10) * (units[size.slice(-2)] ?? 1);
}
