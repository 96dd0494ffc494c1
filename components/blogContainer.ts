import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { containerOptions, containerResourceOptions, type ContainerSettings } from "./containerOptions.ts";
import { blogContract } from "./contract.ts";
import { childOptions } from "./options.ts";

export interface BlogContainerArgs extends Pick<ContainerSettings, "name" | "image" | "network" | "environment"> {
  /** Port of this machine on which the blog answers. */
  hostPort: number;
  /** Address of this machine. Defaults to all. */
  listenAddress?: string;
}

/** The blog in a container. Ready when its image's health check says so. */
export class BlogContainer extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: BlogContainerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:containers:BlogContainer", name, {}, opts);
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...containerOptions({ ...args, ...blogContract }),
        restart: "unless-stopped",
        ports: [{ internal: blogContract.port, external: args.hostPort, ip: args.listenAddress ?? "0.0.0.0" }],
        wait: true,
        waitTimeout: 60,
      },
      { ...childOptions(this, opts), ...containerResourceOptions },
    );
    this.registerOutputs({ container: this.container });
  }
}
