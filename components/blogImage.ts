import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { buildImage, contentHash } from "./imageBuild.ts";
import { childOptions } from "./options.ts";
import type { Registry } from "./registry.ts";

export interface BlogImageArgs {
  /** Folder that holds all that the build reads, relative to the project. Defaults to the project itself. */
  context?: string;
  /** Name of the image, such as `localhost/koa-blog`. Without a tag, it gets a hash of what goes into it for one. */
  image: string;
  /** The Node.js image that the blog's image is built on. */
  baseImage: pulumi.Input<string>;
  /** Platform to build for, such as `linux/arm64`. Defaults to this machine's. */
  platform?: string | undefined;
  /** Whether the image is pushed to the registry in its name, and how to log in there. Defaults to no push. */
  push?: { registry: Registry | undefined };
}

/** What the build reads: the allow-list of `.dockerignore`, and that file itself. */
export const buildInputs = [".dockerignore", "package.json", "package-lock.json", "service", "db"];

/**
 * The blog's image, built by the local Docker engine. Its tag is a hash of what goes into it, so a preview knows
 * whether the blog would change.
 */
export class BlogImage extends pulumi.ComponentResource {
  /** Reference of the image. */
  readonly imageName: pulumi.Output<string>;
  /** Id of the image in the local engine. */
  readonly imageId: pulumi.Output<string>;
  /** Hash of the build's inputs: 16 hexadecimal digits. */
  readonly tag: pulumi.Output<string>;

  constructor(name: string, args: BlogImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:BlogImage", name, {}, opts);
    const context = args.context ?? ".";
    this.tag = pulumi
      .output(args.baseImage)
      .apply((baseImage) => contentHash(context, buildInputs, baseImage, ...(args.platform ? [args.platform] : [])));
    const image = buildImage(
      `${name}-image`,
      {
        image: args.image,
        tag: this.tag,
        context,
        dockerfile: join(context, "service", "Dockerfile"),
        baseImage: args.baseImage,
        platform: args.platform,
        push: args.push,
      },
      childOptions(this, opts),
    );
    this.imageName = image.imageName;
    this.imageId = image.repoDigest;
    this.registerOutputs({ imageName: this.imageName, imageId: this.imageId, tag: this.tag });
  }
}
