import * as pulumi from "@pulumi/pulumi";

/** A registry that wants a password. */
export interface Registry {
  /** Host, with the port if it is not the usual one, such as `registry.example.com`. */
  server: string;
  username: pulumi.Input<string>;
  password: pulumi.Input<string>;
}

/** Host of the registry that an image's name begins with; undefined for Docker Hub's short names and for `localhost/…`. */
export function registryOf(image: string): string | undefined {
  const [server = "", ...path] = image.split("/");
  return path.length > 0 && /[.:]/.test(server) ? server : undefined;
}

/** What Docker's configuration file holds for a registry; Kubernetes' Secrets for pulling images are written the same way. */
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
