import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { secretFiles, secretsFolder, type Environment } from "./contract.ts";
import { stackLabels } from "./stackLabels.ts";

/** The labels of whatever the stack makes in the engine. Pulumi runs the program in the project's folder. */
export const ownLabels = () => stackLabels(pulumi.getStack(), process.cwd());

/** What any container of a stack needs to be told. */
export interface ContainerSettings {
  /** Name of the container. */
  name: string;
  /** Id of its image. */
  image: pulumi.Input<string>;
  /** Name of its network, and by what other name it is known there. */
  network: pulumi.Input<string>;
  alias?: string;
  environment: Environment;
  user: number;
  memoryMebibytes: number;
  stopSeconds: number;
}

/** A container with no more rights than it needs, its secrets in files that are copied into it. */
export function containerOptions(settings: ContainerSettings): docker.ContainerArgs {
  const { variables, secrets } = settings.environment;
  return {
    name: settings.name,
    image: settings.image,
    networksAdvanced: [{ name: settings.network, ...(settings.alias && { aliases: [settings.alias] }) }],
    labels: ownLabels(),
    envs: Object.entries({ ...variables, ...secretFiles(Object.keys(secrets)) }).map(
      ([name, value]) => pulumi.interpolate`${name}=${value}`,
    ),
    uploads: Object.entries(secrets).map(([name, content]) => ({
      file: `${secretsFolder}/${name}`,
      content,
      // For the container's own user, who is not root and has no group in common with it.
      permissions: "0444",
    })),
    user: `${String(settings.user)}:${String(settings.user)}`,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges:true"],
    memory: settings.memoryMebibytes,
    stopTimeout: settings.stopSeconds,
    destroyGraceSeconds: settings.stopSeconds,
  };
}

/** The resource options of a container. */
export const containerResourceOptions = {
  // Its name is fixed, so the old one goes before the new one comes.
  deleteBeforeReplace: true,
  // The engine chooses it from the memory, or can't limit swap at all.
  ignoreChanges: ["memorySwap"],
} satisfies pulumi.CustomResourceOptions;
