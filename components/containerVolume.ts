import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { ownLabels } from "./containerOptions.ts";
import { childOptions } from "./options.ts";

export interface ContainerVolumeArgs {
  /** Name of the volume. */
  volume: string;
}

/** A volume for data that outlives its container. It waits for nothing, so all else can be destroyed without it. */
export class ContainerVolume extends pulumi.ComponentResource {
  readonly volume: docker.Volume;

  constructor(name: string, args: ContainerVolumeArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:ContainerVolume", name, {}, opts);
    this.volume = new docker.Volume(
      `${name}-volume`,
      { name: args.volume, labels: ownLabels() },
      // Another label would be another volume, without the data; a checkout may be moved.
      { ...childOptions(this, opts), ignoreChanges: ["labels"] },
    );
    this.registerOutputs({ volume: this.volume });
  }
}
