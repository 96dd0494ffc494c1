import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { ownLabels } from "./containerOptions.ts";
import { childOptions } from "./options.ts";

export interface ContainerNetworkArgs {
  /** Name of the network. */
  network: string;
}

/** The Docker network of the blog and its database, which know each other by name in it. */
export class ContainerNetwork extends pulumi.ComponentResource {
  readonly network: docker.Network;

  constructor(name: string, args: ContainerNetworkArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:ContainerNetwork", name, {}, opts);
    this.network = new docker.Network(
      `${name}-network`,
      { name: args.network, labels: ownLabels() },
      childOptions(this, opts),
    );
    this.registerOutputs({ network: this.network });
  }
}
