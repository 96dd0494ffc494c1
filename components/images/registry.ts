import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../config.ts";

/** Login of a registry. */
export interface Registry {
  /** Host, optionally with a port, such as `registry.example.com`. */
  server: string;
  username: pulumi.Input<string>;
  password: pulumi.Input<string>;
}

/** Host of the registry in an image's name. Undefined for short names of Docker Hub and for `localhost/…`. */
export function registryOf(image: string): string | undefined {
  const [server = "", ...path] = image.split("/");
  return path.length > 0 && /[.:]/.test(server) ? server : undefined;
}

/** Login for the registry of the blog's image. Undefined means that `docker login` applies. */
export function registryLogin({ blogImage, registryUser, registryPassword }: StackConfig): Registry | undefined {
  const server = registryOf(blogImage);
  return server && registryUser && registryPassword
    ? { server, username: registryUser, password: registryPassword }
    : undefined;
}

/** `mysql:9.7.2` for `mysql:9.7.2@sha256:…`. */
export function withoutDigest(reference: string): string {
  return reference.replace(/@.*/, "");
}

/** An image's full name without a digest, such as `docker.io/library/mysql:9.7.2` for `mysql:9.7.2`. */
export function qualified(image: string): string {
  const name = withoutDigest(image);
  const [, registry = "docker.io", path = name] = /^([^/]*[.:][^/]*|localhost)\/(.*)$/.exec(name) ?? [];
  return `${registry}/${registry === "docker.io" && !path.includes("/") ? `library/${path}` : path}`;
}

/** An image's full name without the registry. containerd asks a mirror for this name. */
export function repositoryOf(image: string): string {
  return qualified(image).replace(/^[^/]*\//, "");
}

/** A login in the format of Docker's config.json, which Kubernetes uses in Secrets for pulling images. */
export function dockerConfig({ server, username, password }: Registry): pulumi.Output<string> {
  return pulumi.secret(
    pulumi.all([username, password]).apply(([name, secret]) =>
      JSON.stringify({
        auths: {
          [server]: { username: name, password: secret, auth: Buffer.from(`${name}:${secret}`).toString("base64") },
        },
      }),
    ),
  );
}

/**
 * Registries of the images, for a docker.Provider. The provider uses the logins of `docker login`. It fails without
 * Docker's configuration file, so the list is empty then.
 *
 * @param folder - Docker's configuration folder
 */
export function dockerLogins(
  images: string[],
  folder = process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"),
): { address: string }[] {
  if (!existsSync(join(folder, "config.json"))) return [];
  const registries = new Set(images.map((image) => registryOf(image) ?? "registry-1.docker.io"));
  return [...registries].sort().map((address) => ({ address }));
}
