import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "../kubernetes/childOptions.ts";
import { buildImage, contentHash, nameOf, tagged } from "./imageBuild.ts";

export interface MySqlImageArgs {
  /** Name of the blog's image. This image has the same name with `-mysql`, and a hash of its inputs as its tag. */
  blogImage: string;
  /** Image of MySQL on which this image is built. */
  baseImage: string;
}

/** The files of `db/` that the build reads. */
export const mySqlBuildInputs = ["Dockerfile", "generate-secrets.sh", "schema.sql", "start-mysql.sh"];

/** MySQL with `db/schema.sql` and the start script. The Docker engine may be remote, so files cannot be mounted. */
export class MySqlImage extends pulumi.ComponentResource {
  /** Id of the image in the local Docker engine. */
  readonly imageId: pulumi.Output<string>;

  constructor(name: string, { blogImage, baseImage }: MySqlImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:MySqlImage", name, {}, opts);
    const tag = contentHash("db", mySqlBuildInputs, { baseImage });
    this.imageId = buildImage(
      `${name}-image`,
      { imageName: tagged(`${nameOf(blogImage)}-mysql`, tag), context: "db", dockerfile: "db/Dockerfile", baseImage },
      childOptions(this, opts),
    ).repoDigest;
    this.registerOutputs({ imageId: this.imageId });
  }
}
