import { createHash } from "node:crypto";

import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

import { script } from "./script.ts";

/**
 * Reads the generation of a container from a file in it, at every run and preview. If the container or the file was
 * deleted, the output is a new generation for the replacement.
 */
export function readGeneration(container: string, file: string, parent: pulumi.ComponentResource) {
  const environment = { CONTAINER: container, FILE: file };
  return command.local.runOutput({ command: script("readGeneration.sh"), environment, logging: "none" }, { parent })
    .stdout;
}

/** Identity of a cluster or registry. It changes if the container was recreated or its configuration changes. */
export function identityOf(generation: string, configuration: string): string {
  return `${generation}-${createHash("sha256").update(configuration).digest("hex").slice(0, 8)}`;
}
