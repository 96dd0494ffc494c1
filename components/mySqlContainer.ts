import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { containerOptions, replacedInPlace, stackLabels, type ContainerSettings } from "./containerOptions.ts";
import { mySqlContract } from "./contract.ts";
import { childOptions } from "./options.ts";

export interface MySqlContainerArgs extends Pick<ContainerSettings, "name" | "image" | "network" | "environment"> {
  /** Name by which the network knows MySQL. */
  alias: string;
}

/** MySQL in a container, its data in a volume that outlives it. Ready when MySQL answers. */
export class MySqlContainer extends pulumi.ComponentResource {
  readonly volume: docker.Volume;
  readonly container: docker.Container;

  constructor(name: string, args: MySqlContainerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:MySqlContainer", name, {}, opts);
    const options = childOptions(this, opts);
    this.volume = new docker.Volume(`${name}-data`, { name: `${args.name}-data`, labels: stackLabels() }, options);
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...containerOptions({ ...args, ...mySqlContract }),
        restart: "unless-stopped",
        volumes: [{ volumeName: this.volume.name, containerPath: mySqlContract.dataFolder }],
        tmpfs: { [mySqlContract.initFolder]: `uid=${String(mySqlContract.user)},mode=700` },
        wait: true,
        waitTimeout: 300,
      },
      { ...options, ...replacedInPlace },
    );
    this.registerOutputs({ volume: this.volume, container: this.container });
  }
}
