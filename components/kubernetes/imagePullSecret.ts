import * as pulumi from "@pulumi/pulumi";

/** Login of a private registry, from which the nodes pull images. */
export interface RegistryLogin {
  /** Host, optionally with a port, such as `registry.example.com`. */
  server: pulumi.Input<string>;
  username: pulumi.Input<string>;
  password: pulumi.Input<string>;
}

/** Value of the key `.dockerconfigjson`, in a Secret of the type `kubernetes.io/dockerconfigjson`. Secret. */
export function dockerConfig(login: RegistryLogin): pulumi.Output<string> {
  return pulumi.secret(
    pulumi.output(login).apply(({ server, username, password }) => {
      const auth = Buffer.from(`${username}:${password}`).toString("base64");
      return JSON.stringify({ auths: { [server]: { username, password, auth } } });
    }),
  );
}
