import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { ClusterRegistry } from "../cluster/cluster.ts";
import { contentHash } from "./contentHash.ts";

export interface BlogImageArgs {
  /** The registry to which the image is pushed. */
  registry: ClusterRegistry;
  /** Image of Node.js on which the image is built. Defaults to the default in `service/Dockerfile`. */
  baseImage?: pulumi.Input<string>;
  /** Platform of the image, such as `linux/amd64`. Defaults to the platform of the Docker engine. */
  platform?: pulumi.Input<string> | undefined;
}

/** The files that `.dockerignore` admits, and that file itself. */
const buildInputs = [".dockerignore", "package.json", "package-lock.json", "service", "db"];

/**
 * The blog's image, built by the local Docker engine and pushed to a registry. Its tag is a hash of the build's inputs,
 * so a preview shows changes of the blog.
 */
export class BlogImage extends pulumi.ComponentResource {
  /** Reference of the image, such as `localhost:5001/koa-blog:0123456789abcdef`, once a node can pull it. */
  readonly reference: pulumi.Output<string>;
  /** Hash of the build's inputs, 16 hexadecimal digits. */
  readonly tag: pulumi.Output<string>;

  constructor(name: string, args: BlogImageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("blog:images:BlogImage", name, {}, opts);
    const { address, id, login } = args.registry;
    const platform = pulumi.output(args.platform ?? enginePlatform(this));
    this.tag = pulumi
      .all([args.baseImage ?? "", platform])
      .apply((buildArguments) => contentHash(buildInputs, buildArguments));
    const imageName = pulumi.interpolate`${address}/koa-blog:${this.tag}`;
    const image = new docker.Image(
      `${name}-build`,
      {
        imageName,
        build: {
          context: ".",
          dockerfile: "service/Dockerfile",
          args: { ...(args.baseImage !== undefined && { BASE_IMAGE: args.baseImage }), ...proxyArguments() },
          builderVersion: "BuilderBuildKit",
          platform,
        },
        ...(login && { registry: login }),
      },
      // A recreated registry is empty.
      { parent: this, ...(id !== undefined && { replacementTrigger: id }) },
    );
    // The URN is known in a preview, so the reference is too.
    this.reference = pulumi.all([imageName, image.urn]).apply(([reference]) => reference);
    this.registerOutputs({ reference: this.reference, tag: this.tag });
  }
}

/** The platform of the engine. Node.js may have another one, such as with Rosetta. */
function enginePlatform(parent: pulumi.Resource): pulumi.Output<string> {
  const version = "docker version --format '{{.Server.Os}}/{{.Server.Arch}}'";
  return command.local.runOutput({ command: version, logging: "none" }, { parent }).stdout;
}

/**
 * This machine's proxy as predefined build arguments of Docker, which do not get into the image or its history. Secret,
 * because the URL may contain a password.
 */
function proxyArguments(): Record<string, pulumi.Output<string>> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value ? [[name, pulumi.secret(value)]] : [];
    }),
  );
}
