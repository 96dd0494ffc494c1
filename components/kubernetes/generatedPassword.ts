import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** A password of letters and digits, which need no escaping in a shell, a URL or a client. The state keeps it. */
export function generatedPassword(name: string, opts: pulumi.CustomResourceOptions, length = 32) {
  return new random.RandomPassword(name, { length, special: false }, opts).result;
}
