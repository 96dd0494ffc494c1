import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "./options.ts";

export interface ClusterImagesArgs<Name extends string> {
  /** Name of the kind cluster. */
  clusterName: pulumi.Input<string>;
  /** Nodes that get the images, unless an image names its own. */
  nodes: pulumi.Input<string[]>;
  /** Changes when the cluster is another one, which has none of the images. */
  clusterIdentity: pulumi.Input<string>;
  /** The images by the name that the program gives them. */
  images: Record<Name, ClusterImage>;
}

/** An image to load: one that a registry has, or one that the local engine has built. */
export interface ClusterImage {
  reference: pulumi.Input<string>;
  origin: "registry" | "build";
  /** Nodes that get this image. Defaults to those of all images. */
  nodes?: pulumi.Input<string[]>;
}

/** Images by the names that the program gives them. */
export interface RunnableImages<Name extends string> {
  /** What pods call them. */
  references: Record<Name, pulumi.Input<string>>;
  /** What must be there before a pod can run them. */
  loads: Record<Name, pulumi.Resource[]>;
}

/** Images that the nodes pull when they need them. */
export function pulledImages<Name extends string>(
  references: Record<Name, pulumi.Input<string>>,
): RunnableImages<Name> {
  const names = Object.keys(references) as Name[];
  return { references, loads: Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, []> };
}

/**
 * Images that the cluster's nodes hold. The local engine pulls each once, so a new cluster pulls nothing again.
 */
export class ClusterImages<Name extends string> extends pulumi.ComponentResource implements RunnableImages<Name> {
  /** By the same names, the command that loads each image: whatever runs it depends on this. */
  readonly loads: Record<Name, [command.local.Command]>;
  /** By the same names, the reference that pods use: without a digest, which a loaded image does not have. */
  readonly references: Record<Name, pulumi.Output<string>>;

  constructor(name: string, args: ClusterImagesArgs<Name>, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:cluster:ClusterImages", name, {}, opts);
    const eachImage = <T>(make: (key: string, image: ClusterImage) => T) =>
      Object.fromEntries(
        Object.entries<ClusterImage>(args.images).map(([key, image]) => [key, make(key, image)]),
      ) as Record<Name, T>;
    this.references = eachImage((_, { reference }) => pulumi.output(reference).apply(withoutDigest));
    this.loads = eachImage((key, { reference, origin, nodes }): [command.local.Command] => [
      new command.local.Command(
        `${name}-${key}`,
        {
          create: loadImage(origin),
          environment: {
            CLUSTER: args.clusterName,
            IMAGE: reference,
            NODES: pulumi.output(nodes ?? args.nodes).apply((names) => names.join(",")),
          },
          triggers: [args.clusterIdentity, reference],
          addPreviousOutputInEnv: false,
          logging: "stderr",
        },
        childOptions(this, opts),
      ),
    ]);
    this.registerOutputs({ references: this.references });
  }
}

/** `mysql:9.7.2` for `mysql:9.7.2@sha256:…`. */
export function withoutDigest(reference: string): string {
  return reference.replace(/@.*/, "");
}

/**
 * Loads $IMAGE into the $NODES of $CLUSTER through an archive, since `kind load docker-image` fails with Docker's
 * containerd image store (kubernetes-sigs/kind#3795).
 */
export function loadImage(origin: ClusterImage["origin"]): string {
  const obtain = {
    registry: `docker pull "$IMAGE" >&2`,
    build: `{
  echo "The Docker engine has lost the image $IMAGE, which an earlier run built. Build it again with" >&2
  echo "\\"npm run up -- --replace '**docker:index/image:Image::*'\\"." >&2
  exit 1
}`,
  }[origin];
  return `set -eu
docker image inspect "$IMAGE" >/dev/null 2>&1 || ${obtain}
name=\${IMAGE%@*}
[ "$name" = "$IMAGE" ] || docker tag "$IMAGE" "$name"
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
docker image save --output "$archive" "$name"
kind load image-archive "$archive" --name "$CLUSTER" --nodes "$NODES" >&2`;
}
