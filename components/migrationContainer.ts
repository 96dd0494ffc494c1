import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { containerOptions, containerResourceOptions, type ContainerSettings } from "./containerOptions.ts";
import { blogContract } from "./contract.ts";
import { childOptions } from "./options.ts";

export type MigrationContainerArgs = Pick<ContainerSettings, "name" | "image" | "network" | "environment">;

/** A container that brings the tables to the state that the blog's image expects, once. The program waits until it has. */
export class MigrationContainer extends pulumi.ComponentResource {
  readonly container: docker.Container;
  /** The command that ran it to its end. */
  readonly run: command.local.Command;

  constructor(name: string, args: MigrationContainerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:MigrationContainer", name, {}, opts);
    const options = childOptions(this, opts);
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...containerOptions({ ...args, ...blogContract }),
        command: ["node", "db/migrate.ts"],
        start: false,
        mustRun: false,
      },
      { ...options, ...containerResourceOptions },
    );
    // The provider would take a migration that fails for one that is done.
    this.run = new command.local.Command(
      `${name}-run`,
      {
        create: `docker start --attach '${args.name}'`,
        triggers: [this.container.id],
        addPreviousOutputInEnv: false,
      },
      options,
    );
    this.registerOutputs({ container: this.container, run: this.run });
  }
}
