import * as pulumi from "@pulumi/pulumi";

/**
 * A setting is not as expected: an error that is its message and nothing else.
 *
 * It has no stack trace, which helps nobody here. And Pulumi would colour one, upon which Node.js puts together ever longer
 * strings from the paths of Pulumi's own source maps, for half a minute, until there is no room left (pulumi/pulumi#20567).
 */
export function settingError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = "";
  return error;
}
