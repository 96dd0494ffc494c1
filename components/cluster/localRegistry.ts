import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { dockerLogins } from "../images/registry.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { ownLabels } from "../kubernetes/ownLabels.ts";
import { identityOf, readGeneration } from "./identity.ts";
import { script } from "./script.ts";

export interface LocalRegistryArgs {
  /** Name of the container. Not an output, because each run reads from that container first. */
  containerName: string;
  /** Port of 127.0.0.1 on which the registry listens. */
  port: number;
  /** Image of the registry, such as `registry:3`. */
  image: string;
  /** Images that the engine pulls, perhaps with a `docker login`. */
  pulls: string[];
}

/** The file is in the registry's storage, so emptying the storage deletes the generation too. */
const generationFile = "/var/lib/registry/docker/registry/v2/generation";

/**
 * A registry in the local Docker engine, from which the nodes of a kind cluster pull.
 *
 * Its storage holds a generation, like the node of a KindCluster. If the registry was deleted or emptied, the next `up`
 * recreates it and pushes all images again.
 */
export class LocalRegistry extends pulumi.ComponentResource {
  /** Prefix of its images on this machine, such as `localhost:5001`. */
  readonly address: string;
  /** Host name for the nodes. kind adds .svc to NO_PROXY, so nodes bypass an HTTP proxy. */
  readonly host: string;
  /** The command that creates the nodes' network. */
  readonly network: command.local.Command;
  /** Changes only when the registry was recreated, and is empty. */
  readonly identity: pulumi.Output<string>;
  /** The container. It is healthy once it accepts pushes. */
  readonly container: docker.Container;
  /** The provider that pulls published images. */
  readonly provider: docker.Provider;

  constructor(name: string, args: LocalRegistryArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:LocalRegistry", name, {}, opts);
    const options = childOptions(this, opts);
    this.host = `${args.containerName}.svc`;
    this.address = `localhost:${String(args.port)}`;
    const generation = readGeneration(args.containerName, generationFile, this);
    this.identity = generation.apply((read) => identityOf(read, `${args.image} ${this.address}`));
    // Adding a network to a running container resets its connections, and pushes fail.
    this.network = new command.local.Command(
      `${name}-network`,
      {
        create: script("createKindNetwork.sh"),
        // Fails while another cluster uses the network.
        delete: "docker network rm kind >/dev/null 2>&1 || true",
        triggers: [this.identity],
        addPreviousOutputInEnv: false,
      },
      options,
    );
    const image = new docker.RemoteImage(`${name}-image`, { name: args.image, keepLocally: true }, options);
    this.container = new docker.Container(
      `${name}-container`,
      {
        name: args.containerName,
        image: image.name,
        // The image declares an anonymous volume for the storage. It is deleted with the container.
        networksAdvanced: [{ name: "kind", aliases: [this.host] }],
        ports: [{ internal: 5000, external: args.port, ip: "127.0.0.1" }],
        restart: "unless-stopped",
        labels: ownLabels(),
        uploads: [{ file: generationFile, content: generation }],
        // 1388 is port 5000 in hexadecimal. Not every registry image has an HTTP client.
        healthcheck: { tests: ["CMD", "grep", "-q", ":1388 ", "/proc/net/tcp", "/proc/net/tcp6"], interval: "5s" },
        wait: true,
        waitTimeout: 60,
      },
      // Two containers cannot have the same name.
      { ...childOptions(this, opts, this.network), deleteBeforeReplace: true },
    );
    this.provider = new docker.Provider(`${name}-provider`, { registryAuth: dockerLogins(args.pulls) }, options);
    this.registerOutputs({ host: this.host, address: this.address, identity: this.identity });
  }
}
