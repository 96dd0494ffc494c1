import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { buildImage, contentHash, type ImageBuild, tagged } from "./imageBuild.ts";

export interface BlogImageArgs extends Pick<ImageBuild, "baseImage" | "platform" | "push"> {
  /** Name of the image, such as `localhost:5001/koa-blog`. The tag defaults to a hash of the build's inputs. */
  image: string;
}

/** The files that `.dockerignore` admits, and that file itself. */
export const buildInputs = [".dockerignore", "package.json", "package-lock.json", "service", "db"];

/** The blog's image, built by the local Docker engine. With a hash as its tag, a preview shows changes of the blog. */
export class BlogImage extends pulumi.ComponentResource {
  /** Reference of the image. Known before the build, so users of the image must depend on this component. */
  readonly imageName: string;
  /** Id of the image in the local Docker engine. */
  readonly imageId: pulumi.Output<string>;
  /** Hash of the build's inputs, 16 hexadecimal digits. */
  readonly tag: string;

  constructor(name: string, args: BlogImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:BlogImage", name, {}, opts);
    const { image, ...build } = args;
    this.tag = contentHash(".", buildInputs, build);
    this.imageName = tagged(image, this.tag);
    this.imageId = buildImage(
      `${name}-image`,
      { ...build, imageName: this.imageName, context: ".", dockerfile: "service/Dockerfile" },
      childOptions(this, opts),
    ).repoDigest;
    this.registerOutputs({ imageName: this.imageName, imageId: this.imageId, tag: this.tag });
  }
}
