import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { childOptions } from "./options.ts";

export interface BlogImageArgs {
  /** Folder that holds all that the build reads, relative to the project. Defaults to the project itself. */
  context?: string;
  /** The Node.js image that the blog's image is built on. */
  baseImage: pulumi.Input<string>;
}

/** What the build reads: the allow-list of `.dockerignore`, and that file itself. */
export const buildInputs = [".dockerignore", "package.json", "package-lock.json", "service", "db"];

/** What it does not read of the folders among them, as `.dockerignore` says as well. */
export const ignoredNames = ["node_modules", "README.md"];

const repository = "localhost/koa-blog";

/**
 * The blog's image, built by the local Docker engine. Its tag is a hash of what goes into it, so a preview knows
 * whether the blog would change.
 */
export class BlogImage extends pulumi.ComponentResource {
  /** Reference of the image: no registry has it. */
  readonly imageName: pulumi.Output<string>;
  /** Hash of the build's inputs: 16 hexadecimal digits. */
  readonly tag: pulumi.Output<string>;

  constructor(name: string, args: BlogImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:image:BlogImage", name, {}, opts);
    const context = args.context ?? ".";
    this.tag = pulumi.output(args.baseImage).apply((baseImage) => contentHash(context, buildInputs, baseImage));
    const image = new docker.Image(
      `${name}-image`,
      {
        imageName: pulumi.interpolate`${repository}:${this.tag}`,
        build: {
          context,
          dockerfile: join(context, "service", "Dockerfile"),
          args: { BASE_IMAGE: args.baseImage },
          builderVersion: "BuilderBuildKit",
          platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
        },
        skipPush: true,
      },
      childOptions(this, opts),
    );
    this.imageName = image.imageName;
    this.registerOutputs({ imageName: this.imageName, tag: this.tag });
  }
}

/** Hash of the paths and contents of files and folders below a folder, and of what else decides the result. */
export function contentHash(folder: string, inputs: string[], ...others: string[]): string {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap((input) => filesBelow(folder, input)).sort()) {
    hash.update(
      `${path}\0${createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex")}\0`,
    );
  }
  for (const other of others) hash.update(`${other}\0`);
  return hash.digest("hex").slice(0, 16);
}

/** Paths, with forward slashes, of the file or of all files in the folder. */
function filesBelow(folder: string, input: string): string[] {
  if (!statSync(join(folder, input)).isDirectory()) return [input];
  return readdirSync(join(folder, input)).flatMap((name) =>
    ignoredNames.includes(name) ? [] : filesBelow(folder, `${input}/${name}`),
  );
}
