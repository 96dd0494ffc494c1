import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type * as pulumi from "@pulumi/pulumi";

/** What every component with a pod needs. */
export interface LoggingPodArgs {
  /** Namespace of the pod. */
  namespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  /** Secrets with the login of the image's registry. Defaults to none, for public images. */
  imagePullSecrets?: { name: pulumi.Input<string> }[] | undefined;
}

/** The files of a folder of `logging/` by name, for a ConfigMap. Leaves out hidden and temporary files of editors. */
export function filesOf(folder: string): Record<string, string> {
  const path = join(import.meta.dirname, "../../logging", folder);
  const names = readdirSync(path).filter((name) => /^\w[\w.-]*$/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(path, name), "utf8")]));
}
