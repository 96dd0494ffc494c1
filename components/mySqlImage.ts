import * as pulumi from "@pulumi/pulumi";

import { buildImage, contentHash } from "./imageBuild.ts";
import { childOptions } from "./options.ts";

export interface MySqlImageArgs {
  /** Name of the image; its tag is a hash of what goes into it. */
  image: string;
  /** The image of MySQL that it is built on. */
  baseImage: pulumi.Input<string>;
}

/** What the build reads of `db/`. */
export const mySqlBuildInputs = ["Dockerfile", "generate-secrets.sh", "schema.sql", "start-mysql.sh"];

/** MySQL with `db/schema.sql` inside, built by the local Docker engine: for containers that nobody mounts files into. */
export class MySqlImage extends pulumi.ComponentResource {
  /** Id of the image in the local engine. */
  readonly imageId: pulumi.Output<string>;

  constructor(name: string, args: MySqlImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:MySqlImage", name, {}, opts);
    const image = buildImage(
      `${name}-image`,
      {
        image: args.image,
        tag: pulumi.output(args.baseImage).apply((baseImage) => contentHash("db", mySqlBuildInputs, baseImage)),
        context: "db",
        dockerfile: "db/Dockerfile",
        baseImage: args.baseImage,
      },
      childOptions(this, opts),
    );
    this.imageId = image.repoDigest;
    this.registerOutputs({ imageId: this.imageId });
  }
}
