import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import type { BlogImageArgs } from "./blogImage.ts";
import { buildImage, contentHash, nameOf } from "./imageBuild.ts";

/** The files that the Dockerfile's stage `migration` contains, and those that say how. */
export const migrationBuildInputs = [
  ".dockerignore",
  "package.json",
  "package-lock.json",
  "service/Dockerfile",
  "service/package.json",
  "db",
];

/**
 * The image of the migration Job. A change of `service/` does not change its name, so the Job does not run again. The
 * Docker provider compares the whole build context, so a preview names this image then (pulumi-docker, hashContext).
 */
export class MigrationImage extends pulumi.ComponentResource {
  /** Reference of the image. Known before the build, so users of the image must depend on this component. */
  readonly imageName: string;
  /** `migration-` and a hash of the build's inputs. */
  readonly tag: string;

  constructor(name: string, args: BlogImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:MigrationImage", name, {}, opts);
    const { image, ...build } = args;
    this.tag = `migration-${contentHash(".", migrationBuildInputs, build)}`;
    this.imageName = `${nameOf(image)}:${this.tag}`;
    buildImage(
      `${name}-image`,
      { ...build, imageName: this.imageName, context: ".", dockerfile: "service/Dockerfile", target: "migration" },
      childOptions(this, opts),
    );
    this.registerOutputs({ imageName: this.imageName, tag: this.tag });
  }
}
