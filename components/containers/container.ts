import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import {
  type blogContract,
  type Environment,
  type mySqlContract,
  secretFiles,
  secretsFolder,
} from "../kubernetes/contract.ts";
import { ownLabels } from "../kubernetes/ownLabels.ts";

export interface ContainerArgs {
  /** Name of the container. */
  name: string;
  /** Id of its image. */
  image: pulumi.Input<string>;
  /** User, memory and stop timeout of that image. */
  contract: typeof blogContract | typeof mySqlContract;
  /** Its network, perhaps with aliases. */
  network: docker.types.input.ContainerNetworksAdvanced;
  /** Environment variables and secrets. */
  environment: Environment;
  /** Further arguments of the container. */
  extra: Partial<docker.ContainerArgs>;
}

/** A container without capabilities. Its secrets are files, which `docker inspect` does not show. */
export class Container extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(
    type: "BlogContainer" | "MigrationContainer" | "MySqlContainer",
    name: string,
    args: ContainerArgs,
    opts: pulumi.ComponentResourceOptions = {},
  ) {
    super(`blog:containers:${type}`, name, {}, opts);
    const { user, memoryMebibytes, stopSeconds } = args.contract;
    const { variables, secrets } = args.environment;
    this.container = new docker.Container(
      `${name}-container`,
      {
        name: args.name,
        image: args.image,
        networksAdvanced: [args.network],
        labels: ownLabels(),
        envs: Object.entries({ ...variables, ...secretFiles(Object.keys(secrets)) }).map(
          ([variable, value]) => pulumi.interpolate`${variable}=${value}`,
        ),
        uploads: Object.entries(secrets).map(([secret, content]) => ({
          file: `${secretsFolder}/${secret}`,
          content,
          // The files belong to root, and the container's user must read them.
          permissions: "0444",
        })),
        user: `${String(user)}:${String(user)}`,
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges:true"],
        memory: memoryMebibytes,
        stopTimeout: stopSeconds,
        destroyGraceSeconds: stopSeconds,
        ...args.extra,
      },
      {
        ...childOptions(this, opts),
        // Two containers cannot have the same name.
        deleteBeforeReplace: true,
        // The Docker engine derives it from `memory`, or does not support swap limits.
        ignoreChanges: ["memorySwap"],
      },
    );
    this.registerOutputs({ container: this.container });
  }
}
