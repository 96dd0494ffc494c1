import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** A password that the state keeps. No special characters: it goes into any shell, URL or client as it is. */
export function generatedPassword(name: string, parent: pulumi.Resource, length = 32): pulumi.Output<string> {
  return new random.RandomPassword(name, { length, special: false }, { parent }).result;
}

/** Length of a key that signs session cookies. */
export const sessionKeyLength = 64;
