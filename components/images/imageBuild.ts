import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { Registry } from "./registry.ts";

export interface ImageBuild {
  /** Name of the image, with its tag. */
  imageName: string;
  /** Folder that the build can read. */
  context: string;
  dockerfile: string;
  /** Stage of the Dockerfile to build. Defaults to the last one. */
  target?: string;
  /** Value of the Dockerfile's argument BASE_IMAGE. */
  baseImage: string;
  /** Platform of the image. Defaults to the platform of this machine. */
  platform?: string | undefined;
  /** Whether to push, with the login of the registry. Defaults to no push. */
  push?: { registry: Registry | undefined } | undefined;
}

/** Names that builds do not read. `.dockerignore` repeats them. */
export const ignoredNames = ["node_modules", "README.md"];

/** Predefined build arguments of Docker, which do not get into the image or its history. */
const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/** This machine's proxy as build arguments. Secret, because the URL may contain a password. */
function proxyArguments(): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    proxyVariables.flatMap((name) => {
      const value = process.env[name];
      return value ? [[name, pulumi.secret(value)]] : [];
    }),
  );
}

/** An image built by the local Docker engine. */
export function buildImage(name: string, build: ImageBuild, opts: pulumi.CustomResourceOptions): docker.Image {
  return new docker.Image(
    name,
    {
      imageName: build.imageName,
      build: {
        context: build.context,
        dockerfile: build.dockerfile,
        ...(build.target && { target: build.target }),
        args: { BASE_IMAGE: build.baseImage, ...proxyArguments() },
        builderVersion: "BuilderBuildKit",
        platform: build.platform ?? `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
      },
      skipPush: !build.push,
      ...(build.push?.registry && { registry: build.push.registry }),
    },
    // The proxy does not change the image.
    { ...opts, ignoreChanges: proxyVariables.map((variable) => `build.args.${variable}`) },
  );
}

/** The image's name with the tag, unless the name has a tag already. */
export function tagged(image: string, tag: string): string {
  return hasTag(image) ? image : `${image}:${tag}`;
}

/** Whether an image's name has a tag. The port of a registry is not a tag. */
export function hasTag(image: string): boolean {
  return /:[^/]+$/.test(image);
}

/** An image's name without its tag. */
export function nameOf(image: string): string {
  return image.replace(/:[^/]+$/, "");
}

/** Hash of a build: the paths and contents of some files and folders in a folder, and the arguments. */
export function contentHash(
  folder: string,
  inputs: string[],
  { baseImage, platform }: Pick<ImageBuild, "baseImage" | "platform">,
): string {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap((input) => filesBelow(folder, input)).sort()) {
    hash.update(
      `${path}\0${createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex")}\0`,
    );
  }
  for (const argument of platform ? [baseImage, platform] : [baseImage]) hash.update(`${argument}\0`);
  return hash.digest("hex").slice(0, 16);
}

/** Path of the file, or paths of all files in the folder, with forward slashes. */
function filesBelow(folder: string, input: string): string[] {
  if (!statSync(join(folder, input)).isDirectory()) return [input];
  return readdirSync(join(folder, input)).flatMap((name) =>
    ignoredNames.includes(name) ? [] : filesBelow(folder, `${input}/${name}`),
  );
}
