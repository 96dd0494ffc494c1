import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import type { Registry } from "./kindCluster";
import { shellScripts } from "./shellScripts";

export interface ClusterImageArgs {
  /** Reference of a published or local image, such as `nginx:1.29.3`, with a tag and optionally a digest. */
  image: pulumi.Input<string>;
  /** The output `registry` of a KindCluster. */
  registry: pulumi.Input<Registry>;
}

/**
 * A copy of an image in the registry of a KindCluster. The Docker engine pulls the image once, with its `docker login`,
 * so a new cluster downloads nothing. The copy has the platform of the engine only.
 */
export class ClusterImage extends pulumi.ComponentResource {
  /** Reference for pods, once a node can pull it. A new digest of the same tag is a new reference. */
  readonly reference: pulumi.Output<string>;

  constructor(name: string, args: ClusterImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("kind-cluster:index:ClusterImage", name, {}, opts);
    const registry = pulumi.output(args.registry);
    const copy = pulumi.all([registry.address, args.image]).apply(([address, image]) => {
      if (!address) throw new pulumi.ResourceError("registry: the cluster has none, because registryPort is 0", this);
      return copyReference(address, image);
    });
    // The registry keeps the copy. Pods may still use the former image after a change.
    const push = new command.local.Command(
      `${name}-push`,
      {
        ...shellScripts({ create: "pushImage.sh" }, { IMAGE: args.image, COPY: copy }),
        // A recreated registry is empty.
        triggers: [registry.id],
      },
      { parent: this },
    );
    // The URN is known in a preview, so the reference is too.
    this.reference = pulumi.all([copy, push.urn]).apply(([reference]) => reference);
    this.registerOutputs({ reference: this.reference });
  }
}

/**
 * Reference of an image's copy, such as `localhost:5001/mysql:9.7.2`. A digest becomes part of the tag, because the
 * copy of one platform has another digest than the published index. A path cannot have the colon of a port.
 */
export function copyReference(address: string, image: string): string {
  const [name = "", digest] = image.split("@sha256:");
  const path = name.replace(/:(?=\d+\/)/, "-");
  return `${address}/${path}${digest === undefined ? "" : `-${digest.slice(0, 12)}`}`;
}
