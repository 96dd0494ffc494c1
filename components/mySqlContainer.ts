import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { containerOptions, containerResourceOptions, type ContainerSettings } from "./containerOptions.ts";
import { mySqlContract } from "./contract.ts";
import { childOptions } from "./options.ts";

export interface MySqlContainerArgs extends Pick<ContainerSettings, "name" | "image" | "network" | "environment"> {
  /** Name by which the network knows MySQL. */
  alias: string;
  /** Name of the volume for the data. */
  volume: pulumi.Input<string>;
}

/** MySQL in a container, its data in a volume. Ready when MySQL answers. */
export class MySqlContainer extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: MySqlContainerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:MySqlContainer", name, {}, opts);
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...containerOptions({ ...args, ...mySqlContract }),
        restart: "unless-stopped",
        volumes: [{ volumeName: args.volume, containerPath: mySqlContract.dataFolder }],
        tmpfs: { [mySqlContract.initFolder]: `uid=${String(mySqlContract.user)},mode=700` },
        wait: true,
        waitTimeout: 300,
      },
      { ...childOptions(this, opts), ...containerResourceOptions },
    );
    this.registerOutputs({ container: this.container });
  }
}
