import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { Registry } from "./registry.ts";

export interface ImageBuild {
  /** Name of the image, with or without a tag. */
  image: string;
  /** Tag that it gets if its name has none. */
  tag: pulumi.Input<string>;
  context: string;
  dockerfile: string;
  /** Value of the Dockerfile's argument BASE_IMAGE. */
  baseImage: pulumi.Input<string>;
  /** Platform to build for. Undefined for this machine's. */
  platform?: string | undefined;
  /** Whether and how the image is pushed. Undefined for no push. */
  push?: { registry: Registry | undefined } | undefined;
}

/** What no build reads of its folders, as `.dockerignore` says as well. */
export const ignoredNames = ["node_modules", "README.md"];

/** An image built by the local Docker engine. */
export function buildImage(name: string, build: ImageBuild, opts: pulumi.CustomResourceOptions): docker.Image {
  return new docker.Image(
    name,
    {
      imageName: hasTag(build.image) ? build.image : pulumi.interpolate`${build.image}:${build.tag}`,
      build: {
        context: build.context,
        dockerfile: build.dockerfile,
        args: { BASE_IMAGE: build.baseImage },
        builderVersion: "BuilderBuildKit",
        platform: build.platform ?? `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
      },
      skipPush: !build.push,
      ...(build.push?.registry && { registry: build.push.registry }),
    },
    opts,
  );
}

/** Whether an image's name ends in a tag; a port stands before a slash. */
export function hasTag(image: string): boolean {
  return /:[^/]+$/.test(image);
}

/** An image's name without its tag. */
export function nameOf(image: string): string {
  return hasTag(image) ? image.replace(/:[^:]+$/, "") : image;
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
