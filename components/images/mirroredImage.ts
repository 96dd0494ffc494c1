import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { LocalRegistry } from "../cluster/localRegistry.ts";
import { script } from "../cluster/script.ts";
import { childOptions } from "../kubernetes/childOptions.ts";
import { repositoryOf, withoutDigest } from "./registry.ts";

export interface MirroredImageArgs {
  /** Reference of a published image, such as `mysql:9.7.2`. */
  image: string;
  /** Registry for the copy. */
  registry: LocalRegistry;
}

/**
 * A copy of a published image in the local registry. The engine pulls the image once, so a new cluster downloads
 * nothing. The copy has only the engine's platform.
 */
export class MirroredImage extends pulumi.ComponentResource {
  /** Published reference for pods, without a digest. The copy has another digest than the published index. */
  readonly reference: string;

  constructor(name: string, args: MirroredImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:MirroredImage", name, {}, opts);
    const { image, registry } = args;
    this.reference = withoutDigest(image);
    // A recreated registry is empty, and the engine may have deleted the image since the last push.
    const replacementTrigger = registry.identity;
    const pulled = new docker.RemoteImage(
      `${name}-pulled`,
      { name: image, keepLocally: true },
      { ...childOptions(this, opts), provider: registry.provider, replacementTrigger },
    );
    // The registry keeps the copy. Pods may still use the old image after the setting has changed.
    new command.local.Command(
      `${name}-pushed`,
      {
        create: script("pushCopy.sh"),
        environment: { IMAGE: pulled.name, COPY: `${registry.address}/${repositoryOf(this.reference)}` },
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      { ...childOptions(this, opts, registry.container), replacementTrigger },
    );
    this.registerOutputs({ reference: this.reference });
  }
}
